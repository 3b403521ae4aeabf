<?php
// SPDX-License-Identifier: MIT
/*
 * roundcube: plays Roundcube for a driver of its plugin "password".  What it is
 * to do is JSON on the standard input; what the driver answered and complained
 * of is JSON on the standard output.
 */

define('PASSWORD_CRYPT_ERROR', 1);
define('PASSWORD_ERROR', 2);
define('PASSWORD_CONNECT_ERROR', 3);
define('PASSWORD_IN_HISTORY', 4);
define('PASSWORD_CONSTRAINT_VIOLATION', 5);
define('PASSWORD_SUCCESS', 0);

error_reporting(E_ALL);
set_error_handler(function ($number, $text) {
    if (error_reporting() & $number) {
        rcube::$complaints[] = $text;
    }
    return true;
});

class rcube
{
    public static $complaints = [];

    public static function raise_error($arg, $log = false, $terminate = false)
    {
        self::$complaints[] = $arg['message'];
    }
}

class rcmail
{
    public $config;
    private static $instance;

    public static function get_instance()
    {
        self::$instance = self::$instance ?: new self();
        return self::$instance;
    }
}

class config
{
    private $values;

    public function __construct($values)
    {
        $this->values = $values;
    }

    public function get($name, $default = null)
    {
        return isset($this->values[$name]) ? $this->values[$name] : $default;
    }
}

$asked = json_decode(stream_get_contents(STDIN), true);
rcmail::get_instance()->config = new config($asked['config']);
include $asked['driver'];
$driver = new rcube_roost_password();
$result = $driver->save($asked['current'], $asked['new'], $asked['user']);
echo json_encode([
    'code' => is_array($result) ? $result['code'] : $result,
    'message' => is_array($result) ? $result['message'] : '',
    'complaints' => rcube::$complaints,
]);
