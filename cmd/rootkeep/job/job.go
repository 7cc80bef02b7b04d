// Package job has the commands that look after the work of a server.
package job

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
)

// Command is rootkeep jobs with the commands below it.
func Command(s cli.Streams) *cobra.Command {
	c := &cobra.Command{
		Use:   "jobs",
		Short: "The work of a server: scans, hunts, backups, and what it does by itself",
		Long: `Jobs lists what a rootkeep server does, has done and could not do, and asks for more:
a scan with the server's own credentials, a hunt through logs that its settings name, a
backup, or another attempt at a job that died. It
needs a token of a responder or an administrator.`,
		Example: `  rootkeep jobs list --state dead
  rootkeep jobs run scan --payload scan.json
  rootkeep jobs retry JO-1M8CH2BH8WHCJ6`,
	}
	c.AddCommand(listCommand(s), showCommand(s), runCommand(s), retryCommand(s))
	return c
}

// flags are those of every command here.
type flags struct{ cli.ServerFlags }

// one is what a command about one job writes as JSON.
type one struct {
	Schema string     `json:"schema"`
	Job    client.Job `json:"job"`
}

// many is what list writes as JSON.
type many struct {
	Schema string       `json:"schema"`
	Jobs   []client.Job `json:"jobs"`
}

func listCommand(s cli.Streams) *cobra.Command {
	var f flags
	var state, kind string
	var most int
	c := &cobra.Command{
		Use: "list", Short: "List jobs, the newest first",
		Long:    `List shows jobs: their state, kind, progress, and why the last attempt failed.`,
		Example: "  rootkeep jobs list\n  rootkeep jobs list --state dead --output json",
		RunE: func(c *cobra.Command, _ []string) error {
			server, err := f.Client()
			if err != nil {
				return err
			}
			query := url.Values{}
			for name, value := range map[string]string{"state": state, "kind": kind} {
				if value != "" {
					query.Set(name, value)
				}
			}
			out := many{"rootkeep/jobs/1", []client.Job{}}
			for j, err := range client.All[client.Job](c.Context(), server, "/jobs", query) {
				if err != nil {
					return err
				}
				if out.Jobs = append(out.Jobs, j); len(out.Jobs) == most {
					break
				}
			}
			if f.Output == "json" {
				return cli.WriteJSON(s.Out, out)
			}
			return out.write(s.Out)
		},
	}
	f.Register(c)
	c.Flags().StringVar(&state, "state", "", "only jobs in this state: waiting, running, done, dead")
	c.Flags().StringVar(&kind, "kind", "", "only jobs of this kind")
	c.Flags().IntVar(&most, "most", 100, "how many at most")
	cli.CompleteValues(c, "state", []string{"waiting", "running", "done", "dead"})
	return c
}

func (l many) write(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, j := range l.Jobs {
		said := j.Progress
		if j.Error != "" {
			said = j.Error
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", cli.Visible(j.ID), cli.Visible(j.State), cli.Visible(j.Kind), j.Created.UTC().Format(time.DateTime), cli.Visible(said))
	}
	return t.Flush()
}

// call makes one call about one job and writes the job.
func (f *flags) call(c *cobra.Command, s cli.Streams, call client.Call) error {
	server, err := f.Client()
	if err != nil {
		return err
	}
	var j client.Job
	if _, err := server.Do(c.Context(), call, &j); err != nil {
		return err
	}
	if f.Output == "json" {
		return cli.WriteJSON(s.Out, one{"rootkeep/job/1", j})
	}
	fmt.Fprintf(s.Out, "%s  %s  %s, attempt %d\n", cli.Visible(j.ID), cli.Visible(j.Kind), cli.Visible(j.State), j.Attempt)
	for _, line := range []string{j.Progress, j.Error} {
		if line != "" {
			fmt.Fprintf(s.Out, "  %s\n", cli.Visible(line))
		}
	}
	return nil
}

func showCommand(s cli.Streams) *cobra.Command {
	var f flags
	c := &cobra.Command{
		Use: "show JOB", Short: "Show one job", Args: cobra.ExactArgs(1),
		Long:    `Show tells how far a job is, and why its last attempt failed.`,
		Example: "  rootkeep jobs show JO-1M8CH2BH8WHCJ6",
		RunE: func(c *cobra.Command, args []string) error {
			return f.call(c, s, client.Call{Method: "GET", Path: "/jobs/" + url.PathEscape(args[0])})
		},
	}
	f.Register(c)
	return c
}

func runCommand(s cli.Streams) *cobra.Command {
	var f flags
	var payload string
	c := &cobra.Command{
		Use: "run KIND", Short: "Ask for a job", Args: cobra.ExactArgs(1),
		Long: `Run asks the server for a job of a kind: scan, hunt, backup, root-proof, anchor, expire,
tidy. What a kind takes is a JSON object in a file: {"organization": true, "accounts":
[...]} for a scan, {"logs": NAME} for a hunt, where NAME is a place that the server's
settings name, {"days": 30} for root-proof; nothing for the others.`,
		Example:   "  rootkeep jobs run backup\n  rootkeep jobs run hunt --payload hunt.json\n  rootkeep jobs run scan --payload scan.json",
		ValidArgs: []string{"scan", "hunt", "backup", "root-proof", "anchor", "expire", "tidy"},
		RunE: func(c *cobra.Command, args []string) error {
			in := client.NewJob{Kind: args[0]}
			if payload != "" {
				text, err := os.ReadFile(payload)
				if err != nil {
					return cli.Usage("--payload: %w", err)
				}
				if !json.Valid(text) {
					return &cli.Error{Code: cli.ExitUsage, Err: errors.New("--payload " + payload + ": want a JSON object")}
				}
				in.Payload = text
			}
			return f.call(c, s, client.Call{Method: "POST", Path: "/jobs", Body: in})
		},
	}
	f.Register(c)
	c.Flags().StringVar(&payload, "payload", "", "file with what the job takes, JSON")
	cli.CompleteFiles(c, "payload", "json")
	return c
}

func retryCommand(s cli.Streams) *cobra.Command {
	var f flags
	c := &cobra.Command{
		Use: "retry JOB", Short: "Have a dead job tried again", Args: cobra.ExactArgs(1),
		Long:    `Retry has a job that failed as often as it may begin anew.`,
		Example: "  rootkeep jobs retry JO-1M8CH2BH8WHCJ6",
		RunE: func(c *cobra.Command, args []string) error {
			return f.call(c, s, client.Call{Method: "POST", Path: "/jobs/" + url.PathEscape(args[0]) + "/retry"})
		},
	}
	f.Register(c)
	return c
}
