package notify

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/server"
	"github.com/rootkeep/rootkeep/internal/app/outbox"
	"github.com/rootkeep/rootkeep/internal/notify"
)

func routeCommand(s cli.Streams) *cobra.Command {
	var f server.SettingsFlags
	var topic, severity, account, at, output string
	var tags []string
	c := &cobra.Command{
		Use:   "route",
		Short: "Say which routes take a notice, which do not and why, and what is held back",
		Long: `Route asks the routes and quiet hours of the settings about a notice that is described by
its topic, severity, account, tags and time. Nothing is sent.`,
		Example: `  rootkeep notify route --topic alert --severity medium --config /etc/rootkeep/rootkeep.yaml
  rootkeep notify route --topic alert --severity high --tag team-a --at 2026-11-08T03:00:00Z --config /etc/rootkeep/rootkeep.yaml`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if err := cli.OutputIs(output); err != nil {
				return err
			}
			n, when, err := described(topic, severity, account, at, tags)
			if err != nil {
				return err
			}
			o, _, err := open(&f)
			if err != nil {
				return err
			}
			return explain(s, o.Explain(n, when), output)
		},
	}
	f.Register(c)
	c.Flags().StringVar(&topic, "topic", "", "topic of the notice")
	c.Flags().StringVar(&severity, "severity", "high", "its severity")
	c.Flags().StringVar(&account, "account", "", "its account")
	c.Flags().StringArrayVar(&tags, "tag", nil, "a tag of it; may be given several times")
	c.Flags().StringVar(&at, "at", "", "when, such as 2026-11-08T03:00:00Z; now if it is left out")
	c.Flags().StringVar(&output, "output", "text", "text or json")
	var topics []string
	for _, t := range notify.Topics() {
		topics = append(topics, t.Name)
	}
	cli.CompleteValues(c, "topic", topics)
	cli.CompleteValues(c, "output", []string{"text", "json"})
	return c
}

// described is the notice that the flags describe, and when.
func described(topic, severity, account, at string, tags []string) (notify.Notice, time.Time, error) {
	n, when := notify.Notice{Topic: topic, Also: notify.Also(topic), Account: account, Tags: tags}, time.Now()
	known := false
	for _, t := range notify.Topics() {
		known = known || t.Name == topic
	}
	if !known {
		return n, when, cli.Usage("--topic %q: there is none; hint: rootkeep notify list shows the topics", topic)
	}
	var err error
	if n.Severity, err = rootkeep.ParseSeverity(severity); err != nil {
		return n, when, cli.Usage("--severity: %v", err)
	}
	if account != "" {
		if _, err := rootkeep.ParseAccountID(account); err != nil {
			return n, when, cli.Usage("--account: %v", err)
		}
	}
	if at != "" {
		if when, err = time.Parse(time.RFC3339, at); err != nil {
			return n, when, cli.Usage("--at %q: want a time such as 2026-11-08T03:00:00Z", at)
		}
	}
	return n, when, nil
}

func explain(s cli.Streams, e outbox.Explanation, output string) error {
	if output == "json" {
		return cli.WriteJSON(s.Out, struct {
			Schema string `json:"schema"`
			outbox.Explanation
		}{"rootkeep/notify-route/1", e})
	}
	var b strings.Builder
	for _, r := range e.Routes {
		if r.Not != "" {
			fmt.Fprintf(&b, "route %d does not take it: %s\n", r.Route, r.Not)
			continue
		}
		fmt.Fprintf(&b, "route %d takes it: %s\n", r.Route, strings.Join(r.Ways, ", "))
	}
	if len(e.Routes) == 0 {
		b.WriteString("no route: every way takes it\n")
	}
	for _, w := range e.Ways {
		when := "at once"
		if !w.Held.IsZero() {
			when = "held back until " + w.Held.UTC().Format(time.RFC3339)
			if w.Digest {
				when += ", then told with other alerts in one digest"
			}
		}
		fmt.Fprintf(&b, "%s: %s\n", w.Name, when)
	}
	if len(e.Ways) == 0 {
		b.WriteString("told to nobody\n")
	}
	return cli.PrintVisible(s.Out, b.String())
}
