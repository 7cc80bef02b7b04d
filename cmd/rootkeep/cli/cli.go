// Package cli is what every command of rootkeep shares: its streams, exit codes and
// errors, the values of its flags, where its report goes, and hostile text made
// harmless for a terminal.
package cli

import (
	"errors"
	"fmt"
	"io"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// Exit codes of every command. If several apply, the first of 1, 3, 2, 4, 5 is
// used; --output json carries all.
const (
	ExitOK         = 0
	ExitFailed     = 1  // rootkeep itself failed
	ExitFindings   = 2  // alerts at or above --fail-on
	ExitRoot       = 3  // unexplained root use
	ExitNoCoverage = 4  // no proven coverage where absence is claimed
	ExitUnread     = 5  // done, but some input could not be read
	ExitUsage      = 64 // the command line is wrong
)

// Error ends a command with a code. Its command has said why already, unless Err is
// set.
type Error struct {
	Code int
	Err  error
}

// Error is the reason, or the code.
func (e *Error) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("exit %d", e.Code)
	}
	return e.Err.Error()
}

// Unwrap gives the reason.
func (e *Error) Unwrap() error { return e.Err }

// Usage is an error of the command line.
func Usage(format string, args ...any) error {
	return &Error{ExitUsage, fmt.Errorf(format, args...)}
}

// ExitWith ends a command with the first of the codes that apply.
func ExitWith(codes []int) error {
	if len(codes) == 0 {
		return nil
	}
	return &Error{Code: codes[0]}
}

// Exit tells an error's code and prints its reason. The reason may hold text from
// AWS or a file.
func Exit(err error, errs io.Writer) int {
	if err == nil {
		return ExitOK
	}
	code, reason := ExitFailed, err
	var exit *Error
	if errors.As(err, &exit) {
		code, reason = exit.Code, exit.Err
	}
	if reason != nil {
		fmt.Fprintf(errs, "rootkeep: %s\n", Visible(reason.Error()))
	}
	return code
}

// Streams are the standard streams, so that tests may give their own.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// Unread names files that were left out, and gives the exit codes that apply: 5 if there
// are any.
func Unread(s Streams, problems []error) []int {
	codes := []int{}
	for _, p := range problems {
		fmt.Fprintf(s.Err, "rootkeep: %s\n", Visible(p.Error()))
		codes = []int{ExitUnread}
	}
	return codes
}

// Strict turns the argument mistakes of a command and all below it into usage errors
// that name the help, and lets a command that only has others print its help.
func Strict(c *cobra.Command) {
	check := c.Args
	if check == nil {
		check = cobra.NoArgs
	}
	c.Args = func(c *cobra.Command, args []string) error {
		if err := check(c, args); err != nil {
			return Usage("%w; hint: %s --help", err, c.CommandPath())
		}
		return nil
	}
	if c.RunE == nil && c.HasSubCommands() {
		c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	}
	for _, sub := range c.Commands() {
		Strict(sub)
	}
}

// Version is the module version that the linker recorded, or the commit.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return "devel-" + s.Value[:12]
		}
	}
	return "devel"
}
