package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/iam/metadata"
)

// Exit codes of every command. If several apply, the first of 1, 3, 2, 4, 5 is
// used; --output json carries all.
const (
	exitOK         = 0
	exitFailed     = 1  // rootkeep itself failed
	exitFindings   = 2  // alerts at or above --fail-on
	exitRoot       = 3  // unexplained root use
	exitNoCoverage = 4  // no proven coverage where absence is claimed
	exitUnread     = 5  // done, but some input could not be read
	exitUsage      = 64 // the command line is wrong
)

// exitError ends a command with a code. Its command has said why already, unless
// err is set.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

func usage(format string, args ...any) error {
	return &exitError{exitUsage, fmt.Errorf(format, args...)}
}

// streams are the standard streams, so that tests may give their own.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// run runs one command line and returns the exit code.
func run(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) int {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	root := rootCommand(streams{in, out, errs})
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errs)
	err := root.ExecuteContext(ctx)
	var exit *exitError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &exit):
		if exit.err != nil {
			fmt.Fprintf(errs, "rootkeep: %s\n", visible(exit.err.Error()))
		}
		return exit.code
	}
	fmt.Fprintf(errs, "rootkeep: %s\n", visible(err.Error()))
	return exitFailed
}

func rootCommand(s streams) *cobra.Command {
	c := &cobra.Command{
		Use:   "rootkeep",
		Short: "Keep the AWS root user",
		Long: `rootkeep keeps the AWS root user. It works on files alone: a folder of CloudTrail
logs and a laptop are enough.

Exit codes: 0 ok; 1 rootkeep failed; 2 alerts at or above --fail-on; 3 unexplained
root use; 4 no proven coverage where absence is claimed; 5 some input could not be
read; 64 usage.`,
		Example: `  rootkeep hunt ./logs
  rootkeep trail verify --keys public-keys.json ./bucket
  rootkeep rules list`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       version(),
		Args:          cobra.NoArgs,
	}
	c.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usage("%w; hint: %s --help", err, c.CommandPath())
	})
	c.AddCommand(huntCommand(s), trailCommand(s), rulesCommand(s), iamCommand(s), simCommand(s), versionCommand(s))
	for _, sub := range allCommands(c) {
		strictArgs(sub)
	}
	return c
}

func allCommands(c *cobra.Command) []*cobra.Command {
	out := []*cobra.Command{c}
	for _, sub := range c.Commands() {
		out = append(out, allCommands(sub)...)
	}
	return out
}

// strictArgs turns an argument mistake into a usage error that names the help.
func strictArgs(c *cobra.Command) {
	check := c.Args
	if check == nil {
		check = cobra.NoArgs
	}
	c.Args = func(c *cobra.Command, args []string) error {
		if err := check(c, args); err != nil {
			return usage("%w; hint: %s --help", err, c.CommandPath())
		}
		return nil
	}
	if c.RunE == nil && c.HasSubCommands() {
		c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	}
}

// version is the module version that the linker recorded, or the commit.
func version() string {
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

func versionCommand(s streams) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintf(s.out, "rootkeep %s\nIAM actions and condition keys as of %s\n", version(), metadata.Date().Format(time.DateOnly))
			return err
		},
	}
}
