// Command rootkeep keeps the AWS root user: it hunts through CloudTrail, proves
// that the log is whole, and carries its own tested detections.
package main

import (
	"context"
	"os"
)

func main() {
	os.Exit(run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
