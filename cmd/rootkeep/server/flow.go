package server

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/internal/app/serve"
	"github.com/rootkeep/rootkeep/internal/app/share"
	"github.com/rootkeep/rootkeep/internal/stream/flow"
)

// RegisterNATS adds the flags that say where the broker is.
func RegisterNATS(c *cobra.Command, n *share.Settings) {
	c.Flags().StringVar(&n.URL, "nats", "", "NATS with JetStream, for several processes: nats://HOST:PORT or tls://HOST:PORT")
	c.Flags().StringVar(&n.Credentials, "nats-credentials", "", "file with the credentials of a user of NATS, or the seed of an nkey")
	c.Flags().StringVar(&n.CA, "nats-ca", "", "file of certificates that sign the broker's, PEM")
	cli.CompleteFiles(c, "nats-credentials", "creds", "nk")
	cli.CompleteFiles(c, "nats-ca", "crt", "pem")
}

// FlowCommand is rootkeep flow with the commands below it.
func FlowCommand(s cli.Streams) *cobra.Command {
	c := &cobra.Command{
		Use: "flow", Short: "The flow of events between several processes",
		Long: `Flow is about the events that travel between the processes of a server over NATS: what
waits, and what could not be handled and is put aside. One process alone has no flow.`,
		Example: "  rootkeep flow show --nats nats://broker:4222",
	}
	c.AddCommand(flowShowCommand(s),
		asideCommand(s, "give-back", "Put a message that was put aside into the flow again",
			`Give-back has a message tried again that could not be handled, say after an update.
flow show lists them by their numbers.`, "given back", (*flow.Flow).GiveBack),
		asideCommand(s, "drop", "Give up a message that was put aside",
			`Drop removes a message that could not be handled, for good. flow show lists them by
their numbers.`, "dropped", (*flow.Flow).Drop))
	return c
}

// flowFlags say where the flow is.
type flowFlags struct {
	file string
	nats share.Settings
}

func (f *flowFlags) Register(c *cobra.Command) {
	c.Flags().StringVar(&f.file, "config", "", "settings file of the server, YAML (docs/server.md)")
	RegisterNATS(c, &f.nats)
	cli.CompleteFiles(c, "config", "yaml", "yml")
}

// open opens the flow. What goes wrong with single messages is nothing for a command.
func (f *flowFlags) open(ctx context.Context) (*flow.Flow, func(), error) {
	settings := SettingsFlags{file: f.file, flags: serve.Settings{NATS: f.nats}}
	c, err := settings.Settings()
	if err != nil {
		return nil, nil, err
	}
	if c.NATS.URL == "" {
		return nil, nil, cli.Usage("no broker is named; hint: --nats nats://HOST:4222, or --config with the settings of the server")
	}
	if _, _, err := c.NATS.Broker(); err != nil {
		return nil, nil, &cli.Error{Code: cli.ExitUsage, Err: err}
	}
	return c.NATS.OpenFlow(ctx, slog.New(slog.DiscardHandler))
}

// shown is what flow show --output json writes.
type shown struct {
	Schema  string     `json:"schema"`
	Waiting []waiting  `json:"waiting"` // partitions in which something waits
	Oldest  *time.Time `json:"oldest,omitempty"`
	Aside   uint64     `json:"aside"` // messages, of which the list has the first
	List    []aside    `json:"list"`
}

type waiting struct {
	Partition int    `json:"partition"`
	Messages  uint64 `json:"messages"`
}

type aside struct {
	Number    uint64    `json:"number"`
	Since     time.Time `json:"since"`
	Partition int       `json:"partition"`
	ID        string    `json:"id"`
	Bytes     int       `json:"bytes"`
	Reason    string    `json:"reason"`
}

const mostAsides = 100 // listed

func flowShowCommand(s cli.Streams) *cobra.Command {
	var f flowFlags
	var output string
	c := &cobra.Command{
		Use: "show", Short: "Show what waits, since when, and what was put aside",
		Long: `Show tells how many messages wait in which partition and since when, and lists those
that could not be handled, with the reason.`,
		Example: "  rootkeep flow show --nats nats://broker:4222\n  rootkeep flow show --config /etc/rootkeep/rootkeep.yaml --output json",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if output != "text" && output != "json" {
				return cli.Usage("--output %s: want text or json", output)
			}
			flow, stop, err := f.open(c.Context())
			if err != nil {
				return err
			}
			defer stop()
			out, err := look(c.Context(), flow)
			if err != nil {
				return err
			}
			if output == "json" {
				return cli.WriteJSON(s.Out, out)
			}
			return out.write(s.Out)
		},
	}
	f.Register(c)
	c.Flags().StringVar(&output, "output", "text", "text or json")
	cli.CompleteValues(c, "output", []string{"text", "json"})
	return c
}

func look(ctx context.Context, f *flow.Flow) (*shown, error) {
	w, err := f.Waiting(ctx)
	if err != nil {
		return nil, err
	}
	out := &shown{Schema: "rootkeep/flow/1", Waiting: []waiting{}, List: []aside{}, Aside: w.Poison}
	for p, n := range w.Partitions {
		if n > 0 {
			out.Waiting = append(out.Waiting, waiting{p, n})
		}
	}
	if !w.Oldest.IsZero() {
		out.Oldest = &w.Oldest
	}
	list, err := f.Asides(ctx, 0, mostAsides)
	for _, a := range list {
		out.List = append(out.List, aside{a.Number, a.Since, a.Message.Partition, a.Message.ID, len(a.Message.Data), a.Reason})
	}
	return out, err
}

func (o *shown) write(w io.Writer) error {
	var sum uint64
	for _, p := range o.Waiting {
		sum += p.Messages
	}
	fmt.Fprintf(w, "%d messages wait in %d partitions", sum, len(o.Waiting))
	if o.Oldest != nil {
		fmt.Fprintf(w, ", the oldest since %s", o.Oldest.UTC().Format(time.RFC3339))
	}
	fmt.Fprintf(w, "\n%d messages were put aside\n", o.Aside)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, a := range o.List {
		fmt.Fprintf(t, "%d\t%s\tpartition %d\t%s\t%d bytes\t%s\n", a.Number, a.Since.UTC().Format(time.RFC3339), a.Partition, cli.Visible(a.ID), a.Bytes, cli.Visible(a.Reason))
	}
	return t.Flush()
}

// asideCommand does something with a message that was put aside.
func asideCommand(s cli.Streams, name, short, long, done string, do func(*flow.Flow, context.Context, uint64) error) *cobra.Command {
	var f flowFlags
	c := &cobra.Command{
		Use: name + " NUMBER", Short: short, Long: long,
		Example: "  rootkeep flow " + name + " 17 --nats nats://broker:4222",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			number, err := strconv.ParseUint(args[0], 10, 64)
			if err != nil {
				return cli.Usage("%q: want the number of a message; hint: rootkeep flow show", args[0])
			}
			flow, stop, err := f.open(c.Context())
			if err != nil {
				return err
			}
			defer stop()
			if err := do(flow, c.Context(), number); err != nil {
				return err
			}
			fmt.Fprintf(s.Out, "message %d is %s\n", number, done)
			return nil
		},
	}
	f.Register(c)
	return c
}
