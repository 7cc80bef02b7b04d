//go:build !unix

package storetest

import "errors"

func start(string, string) (*Server, error) {
	return nil, errors.New("the tests start it on Unix only")
}
