package account

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/internal/app/scan"
	"github.com/rootkeep/rootkeep/internal/app/scan/send"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/report/assessment"
)

// sendFlags are those of sending a scan to a server.
type sendFlags struct {
	on         bool
	connection cli.Connection
	sending    *send.Sending
	failed     bool // an account could not be sent
}

func (f *sendFlags) add(c *cobra.Command) {
	c.Flags().BoolVar(&f.on, "send", false, "send the scan to the rootkeep server of --server")
	f.connection.Register(c)
}

// begin has each account sent as soon as it is judged. Server and token are found before
// AWS is read, which may take long.
func (f *sendFlags) begin(ctx context.Context, c *scan.Config) error {
	if !f.on {
		return nil
	}
	server, err := f.connection.Client()
	if err != nil {
		return err
	}
	f.sending = send.New(server, c.Names)
	c.Took = func(s *facts.Snapshot, findings []rootkeep.Finding) error {
		err := f.sending.Account(ctx, s, findings)
		f.failed = err != nil
		return err
	}
	return nil
}

// judgedWithin is how long the server's judgement is waited for.
const judgedWithin = 10 * time.Minute

// finish ends the sending and says where the server came to something else.
func (f *sendFlags) finish(ctx context.Context, errs io.Writer, a *assessment.Assessment) error {
	ctx, cancel := context.WithTimeout(ctx, judgedWithin)
	defer cancel()
	done, err := f.sending.Finish(ctx, a)
	if err != nil {
		return err
	}
	for _, account := range done.Accounts {
		if account.Problem != "" && account.State == "judged" {
			fmt.Fprintf(errs, "rootkeep: account %s: %s\n", cli.Visible(account.ID), cli.Visible(account.Problem))
		}
	}
	if done.State == "failed" {
		return fmt.Errorf("the server could not judge scan %s: %s", done.ID, done.Error)
	}
	fmt.Fprintf(errs, "rootkeep: the server has it as scan %s\n", cli.Visible(done.ID))
	return nil
}
