package keyfile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
)

const maxSecret = 4096 // bytes

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
	case info.Mode().Perm()&0o077 != 0 && runtime.GOOS != "windows": // which has no such bits
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
