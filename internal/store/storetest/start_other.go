//go:build !unix

package storetest

import "errors"

func start() (string, error) {
	return "", errors.New("the tests start it on Unix only")
}
