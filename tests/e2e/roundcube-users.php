<?php
// SPDX-License-Identifier: MIT
/*
 * users: a driver that stores a password in the passwd-file of a server of the
 * tests, or does what users_way says.
 */

class rcube_users_password
{
    public function save($currpass, $newpass, $username)
    {
        $config = rcmail::get_instance()->config;
        $way = $config->get('users_way', 'store');
        if ($way === 'wait') {
            // The test opens both ends, one after the other.
            file_put_contents($config->get('users_ready'), 'ready');
            file_get_contents($config->get('users_go'));
        }
        if ($way === 'killed before') {
            posix_kill(getmypid(), 9);
        }
        if ($way === 'refuse') {
            return ['code' => PASSWORD_IN_HISTORY, 'message' => ''];
        }
        if ($way === 'fail') {
            return PASSWORD_ERROR;
        }
        if ($way === 'throw') {
            throw new Exception("cannot store $newpass");
        }
        $this->store($config->get('users_file'), $newpass, $username);
        if ($way === 'killed after') {
            posix_kill(getmypid(), 9);
        }
        return $way === 'lost' ? PASSWORD_CONNECT_ERROR : PASSWORD_SUCCESS;
    }

    private function store($file, $password, $user)
    {
        $time = filemtime($file) + 1;
        $text = preg_replace_callback(
            '/^' . preg_quote($user, '/') . ':\{[^}]*\}[^:]*:/m',
            function () use ($user, $password) {
                return $user . ':{SHA512.HEX}' . hash('sha512', $password) .
                    ':';
            }, file_get_contents($file));
        file_put_contents($file . '.new', $text);
        touch($file . '.new', $time);
        rename($file . '.new', $file);
    }
}
