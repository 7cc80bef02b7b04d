//go:build !unix

package benchdoc

import "os"

// MaxRSS is not known here.
func MaxRSS(*os.ProcessState) int64 { return 0 }
