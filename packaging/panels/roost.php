<?php
// SPDX-License-Identifier: MIT
/*
 * roost: a driver of Roundcube's plugin "password" for users whose mail Roost
 * has sealed.  It changes the password in two places: in the user database, by
 * another driver of that plugin, and in the user's keyring, by doveadm's HTTP
 * API.  README.md beside it says how it is installed.
 *
 *   $config['password_driver'] = 'roost';
 *   $config['password_roost_driver'] = 'sql';      // what it did before
 *   $config['password_roost_url'] = 'https://mail.example.org:8080/doveadm/v1';
 *   $config['password_roost_api_key'] = '...';     // doveadm_api_key
 *   $config['password_roost_timeout'] = 60;        // seconds
 *
 * First the new password opens the keyring beside the old one, then the user
 * database is changed, and then the old one stops opening the keyring.  So the
 * mail can be read by whichever of the two logs in, wherever this breaks off.
 */

class rcube_roost_failure extends Exception
{
}

class rcube_roost_password
{
    /* The status of doveadm where a secret does not open a keyring. */
    const DENIED = 77;

    /* What Roost takes at most, in bytes. */
    const LENGTH_MAX = 1024;

    /**
     * Returns one of Roundcube's PASSWORD_ codes, or an array of such a code
     * and a message to the user.
     */
    public function save(
        #[\SensitiveParameter]
        $currpass,
        #[\SensitiveParameter]
        $newpass,
        $username
    ) {
        if (!self::is_fit($newpass)) {
            return PASSWORD_CONSTRAINT_VIOLATION;
        }
        try {
            $other = $this->load_other();
            if (!$this->has_password($username)) {
                return $other->save($currpass, $newpass, $username);
            }
            $kind = $this->replace($username, $currpass, $newpass, true);
        } catch (rcube_roost_failure $failure) {
            self::complain($failure->getMessage());
            return PASSWORD_CONNECT_ERROR;
        }
        if ($kind === self::DENIED) {
            return ['code' => PASSWORD_ERROR, 'message' =>
                'The current password does not open your mail, because it ' .
                'was changed elsewhere before. Nothing was changed.'];
        }
        return $this->save_both($other, $currpass, $newpass, $username);
    }

    /* Both passwords open the keyring now. */
    private function save_both(
        $other,
        #[\SensitiveParameter]
        $currpass,
        #[\SensitiveParameter]
        $newpass,
        $username
    ) {
        try {
            $result = $other->save($currpass, $newpass, $username);
        } catch (\Throwable $thrown) {
            // Its message may hold what it was told to store.
            self::complain('the other driver threw ' . get_class($thrown) .
                '; both passwords open the keyring of ' . $username);
            return PASSWORD_ERROR;
        }
        $code = is_array($result) ? $result['code'] : $result;
        if ($code === PASSWORD_SUCCESS) {
            $this->keep($username, $newpass);
        } elseif (in_array($code, [PASSWORD_CRYPT_ERROR, PASSWORD_IN_HISTORY,
            PASSWORD_CONSTRAINT_VIOLATION], true)) {
            // Only these say for certain that nothing was stored.
            $this->keep($username, $currpass);
        }
        return $result;
    }

    /* Of both passwords only this one is to open the keyring.  If that fails,
       both do, and the next change of the password tidies up. */
    private function keep(
        $username,
        #[\SensitiveParameter]
        $password
    ) {
        try {
            if ($this->replace($username, $password, $password, false) !== 0) {
                self::complain('a password that opens the keyring of ' .
                    $username . ' no longer does');
            }
        } catch (rcube_roost_failure $failure) {
            self::complain($failure->getMessage() . '; both passwords open ' .
                'the keyring of ' . $username);
        }
    }

    /* Can it be a password of a login, and of a keyring? */
    private static function is_fit(
        #[\SensitiveParameter]
        $password
    ) {
        return is_string($password) && $password !== '' &&
            strlen($password) <= self::LENGTH_MAX &&
            strpbrk($password, "\0\r\n") === false &&
            preg_match('//u', $password) === 1;
    }

    private static function complain($text)
    {
        rcube::raise_error(['code' => 600, 'file' => __FILE__,
            'message' => 'Password plugin: roost: ' . $text], true, false);
    }

    private static function setting($name, $default = null)
    {
        return rcmail::get_instance()->config->get('password_roost_' . $name,
            $default);
    }

    /* Returns the driver that changes the user database. */
    private function load_other()
    {
        $name = (string) self::setting('driver');
        $class = 'rcube_' . $name . '_password';
        $file = __DIR__ . '/' . $name . '.php';
        if ($name === 'roost' || !preg_match('/^[a-z0-9_]+$/', $name)
            || !is_file($file)) {
            throw new rcube_roost_failure(
                'password_roost_driver is to name another driver');
        }
        include_once $file;
        if (!method_exists($class, 'save')) {
            throw new rcube_roost_failure($file . ' is no driver');
        }
        return new $class();
    }

    /* Does a login password open the keyring of the user?  None does in
       provider mode, and where there is no keyring yet. */
    private function has_password($username)
    {
        if (strpbrk($username, '*?') !== false) {
            throw new rcube_roost_failure('the name of the user is a pattern');
        }
        list($kind, $answer) = $this->call('roostStatus',
            ['user' => $username, 'quick' => true]);
        if ($kind !== 'doveadmResponse' || !isset($answer[0]['slots'])
            || !is_string($answer[0]['slots'])) {
            throw new rcube_roost_failure('doveadm roost status -u ' .
                $username . ' fails: see the log of Dovecot');
        }
        return in_array('password', explode(',', $answer[0]['slots']), true);
    }

    /* Returns 0, or DENIED where the present password does not open. */
    private function replace(
        $username,
        #[\SensitiveParameter]
        $present,
        #[\SensitiveParameter]
        $new,
        $is_old_kept
    ) {
        list($kind, $answer) = $this->call('roostSlotReplace', [
            'user' => $username, 'slot' => 'password',
            'keepOld' => $is_old_kept, 'secretFile' => $present,
            'newSecretFile' => $new]);
        if ($kind === 'doveadmResponse') {
            return 0;
        }
        if (isset($answer['exitCode'])
            && $answer['exitCode'] === self::DENIED) {
            return self::DENIED;
        }
        throw new rcube_roost_failure('doveadm roost slot replace -u ' .
            $username . ' fails: see the log of Dovecot');
    }

    /* -- doveadm's HTTP API -- */

    /* Where requests go: over the network only encrypted. */
    private static function url()
    {
        $url = (string) self::setting('url');
        $parts = parse_url($url);
        $scheme = isset($parts['scheme']) ? $parts['scheme'] : '';
        $host = isset($parts['host']) ? $parts['host'] : '';
        if ($scheme !== 'https' && ($scheme !== 'http' ||
            !in_array($host, ['127.0.0.1', '[::1]', 'localhost'], true))) {
            throw new rcube_roost_failure('password_roost_url is to begin ' .
                'with https://, or to be of this host');
        }
        return $url;
    }

    /* Returns [kind, answer] to one command. */
    private function call(
        $command,
        #[\SensitiveParameter]
        $parameters
    ) {
        $body = json_encode([[$command, $parameters, 'roundcube']]);
        if ($body === false) {
            throw new rcube_roost_failure('a password or the name of the ' .
                'user is not UTF-8');
        }
        $text = @file_get_contents(self::url(), false, self::context($body));
        if ($text === false) {
            throw new rcube_roost_failure('no answer from ' . self::url() .
                ': does it listen there, is password_roost_api_key its ' .
                'doveadm_api_key, and is password_roost_timeout enough?');
        }
        $answers = json_decode($text, true);
        if (!is_array($answers) || count($answers) !== 1
            || !isset($answers[0]) || !is_array($answers[0])
            || count($answers[0]) !== 3) {
            throw new rcube_roost_failure(self::url() . ' does not answer ' .
                'as doveadm does');
        }
        return $answers[0];
    }

    private static function context(
        #[\SensitiveParameter]
        $body
    ) {
        $key = base64_encode((string) self::setting('api_key'));
        return stream_context_create(['http' => [
            'method' => 'POST',
            'header' => "Content-Type: application/json\r\n" .
                "Authorization: X-Dovecot-API $key\r\n",
            'content' => $body,
            'timeout' => (float) self::setting('timeout', 60),
            // Nobody else gets the key and the passwords.
            'follow_location' => 0,
            'ignore_errors' => true,
        ]]);
    }
}
