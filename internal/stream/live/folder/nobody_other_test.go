//go:build !unix

package folder_test

import "testing"

// asNobody does nothing: there is no user who may read everything.
func asNobody(*testing.T) {}
