//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd || windows)

package sweep

import "os"

// hold opens a file. On these systems the standard library has no lock that ends with
// its process, so that two scans in one folder are not noticed.
func hold(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
}
