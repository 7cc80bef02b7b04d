package keyfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
)

const maxSecret = 4096 // bytes

// closed says whether a file of that mode and owner is closed to others than the caller.
// What root owns may be open to a group, as Kubernetes gives secrets to the processes of a
// pod: whoever is root reads all files anyway.
func closed(mode fs.FileMode, owner, caller int) bool {
	if owner == 0 && caller != 0 {
		mode &^= 0o040
	}
	return mode.Perm()&0o077 == 0
}

// ReadSecret reads the one secret of a file, such as a token, without the space around it.
// It refuses a file that others than its owner may read.
func ReadSecret(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return "", err
	case !private(info):
		return "", fmt.Errorf("%s: others may read it (mode %04o); hint: chmod 600 %s", path, info.Mode().Perm(), path)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	secret := strings.TrimSpace(string(text))
	switch {
	case err != nil:
		return "", err
	case secret == "" || len(text) > maxSecret:
		return "", errors.New(path + ": want one secret of at most 4096 bytes")
	}
	return secret, nil
}
