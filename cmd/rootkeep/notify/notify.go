// Package notify has the commands of the ways by which a server tells people.
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
	"github.com/rootkeep/rootkeep/internal/report/text"
)

// Command is rootkeep notify.
func Command(s cli.Streams) *cobra.Command {
	c := &cobra.Command{
		Use:   "notify",
		Short: "List and try the ways by which a server tells people",
		Long: `Notify shows the ways of notices that the server's settings name, what goes by which
and when, and tries them; and what of a running server's notices did not arrive.
Notices tell; nothing is decided by answering one.
docs/notify.md has the file's keys.`,
		Args: cobra.NoArgs,
	}
	c.AddCommand(listCommand(s), testCommand(s), routeCommand(s), statusCommand(s))
	return c
}

// open reads the ways that the settings name.
func open(f *server.SettingsFlags) (*outbox.Outbox, string, error) {
	settings, err := f.Settings()
	if err != nil {
		return nil, "", err
	}
	o, err := settings.Outbox()
	if err != nil {
		return nil, "", &cli.Error{Code: cli.ExitUsage, Err: err}
	}
	return o, settings.URL, nil
}

// way is one for programs.
type way struct {
	Name     string   `json:"name"`
	Kind     string   `json:"kind"`
	Target   string   `json:"target"`
	Attempts int      `json:"attempts"`
	Topics   []string `json:"topics"` // of which a critical notice goes by it
}

type notifier struct {
	ID     string `json:"id"`
	Title  string `json:"title"`
	Limits string `json:"limits,omitempty"`
}

type topic struct {
	Name  string   `json:"name"`
	About string   `json:"about"`
	Ways  []string `json:"ways"` // that a critical notice of no account goes by
}

func listCommand(s cli.Streams) *cobra.Command {
	var f server.SettingsFlags
	var output string
	c := &cobra.Command{
		Use:   "list",
		Short: "List the ways, and which topics go by them",
		Long: `List shows the ways of the settings, where they go without their secrets, and for each
topic the ways that a critical notice of it takes. A topic that no way takes is said to
be told to nobody. The notifiers are what further ways can be made of, beside mail.`,
		Example: "  rootkeep notify list --config /etc/rootkeep/rootkeep.yaml",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if err := cli.OutputIs(output); err != nil {
				return err
			}
			o, _, err := open(&f)
			if err != nil {
				return err
			}
			return list(s, o, output)
		},
	}
	f.Register(c)
	c.Flags().StringVar(&output, "output", "text", "text or json")
	cli.CompleteValues(c, "output", []string{"text", "json"})
	return c
}

func list(s cli.Streams, o *outbox.Outbox, output string) error {
	ways, topics, notifiers := []way{}, []topic{}, []notifier{}
	taken := map[string][]string{}
	for _, t := range notify.Topics() {
		routed := append([]string{}, o.Routed(notify.Notice{Topic: t.Name, Also: notify.Also(t.Name), Severity: rootkeep.Critical})...)
		topics = append(topics, topic{t.Name, t.About, routed})
		for _, w := range routed {
			taken[w] = append(taken[w], t.Name)
		}
	}
	for _, w := range o.Ways() {
		ways = append(ways, way{w.Name(), w.Kind(), w.Target(), w.Attempts(), append([]string{}, taken[w.Name()]...)})
	}
	for _, n := range o.Notifiers() {
		notifiers = append(notifiers, notifier{n.ID, n.Title, n.Limits})
	}
	if output == "json" {
		return cli.WriteJSON(s.Out, struct {
			Schema    string     `json:"schema"`
			Ways      []way      `json:"ways"`
			Topics    []topic    `json:"topics"`
			Notifiers []notifier `json:"notifiers"`
		}{"rootkeep/notify-ways/1", ways, topics, notifiers})
	}
	var b strings.Builder
	for _, w := range ways {
		fmt.Fprintf(&b, "%s (%s, %s): up to %s\n", w.Name, w.Kind, w.Target, text.Counted(w.Attempts, "attempt"))
	}
	if len(ways) == 0 {
		b.WriteString("no way: nobody is told of anything; hint: the setting notify.ways, see docs/notify.md\n")
	}
	b.WriteByte('\n')
	for _, t := range topics {
		by := "told to nobody"
		if len(t.Ways) > 0 {
			by = "by " + strings.Join(t.Ways, ", ")
		}
		fmt.Fprintf(&b, "%s: %s\n    %s\n", t.Name, by, t.About)
	}
	b.WriteByte('\n')
	for _, n := range notifiers {
		fmt.Fprintf(&b, "notifier %s: %s\n", n.ID, n.Title)
		if n.Limits != "" {
			fmt.Fprintf(&b, "    %s\n", n.Limits)
		}
	}
	return cli.PrintVisible(s.Out, b.String())
}

func testCommand(s cli.Streams) *cobra.Command {
	var f server.SettingsFlags
	var cases bool
	c := &cobra.Command{
		Use:   "test [WAY...]",
		Short: "Send a test notice now, and say what was answered",
		Long: `Test sends a notice of the topic test by the ways that are named, or by all, at once and
from this machine, and prints what each answered. Nothing is kept of it, and routes are
not asked. With --cases nothing is sent: the cases of all notifiers are held to the exact
requests and answers that they name.

Exit codes: 0 every way took it; 1 one did not.`,
		Args:    cobra.ArbitraryArgs,
		Example: "  rootkeep notify test --config /etc/rootkeep/rootkeep.yaml\n  rootkeep notify test desk --config /etc/rootkeep/rootkeep.yaml\n  rootkeep notify test --cases",
		RunE: func(c *cobra.Command, names []string) error {
			o, link, err := open(&f) // which runs the cases of all notifiers
			if err != nil {
				return err
			}
			if cases {
				return printCases(s, o)
			}
			if len(names) == 0 {
				for _, w := range o.Ways() {
					names = append(names, w.Name())
				}
			}
			if len(names) == 0 {
				return cli.Usage("no way to try; hint: the setting notify.ways, see docs/notify.md")
			}
			failed := 0
			n := outbox.Trial(time.Now(), link)
			for _, name := range names {
				line := name + ": "
				answer, err := o.Try(c.Context(), name, n)
				if err != nil {
					failed++
					line += "failed: " + err.Error()
				} else {
					line += "taken: " + answer
				}
				if err := cli.PrintVisible(s.Out, line+"\n"); err != nil {
					return err
				}
			}
			if failed > 0 {
				return fmt.Errorf("%d of %s did not take the notice", failed, text.Counted(len(names), "way"))
			}
			return nil
		},
	}
	f.Register(c)
	c.Flags().BoolVar(&cases, "cases", false, "try the cases of the notifiers, and send nothing")
	return c
}

func printCases(s cli.Streams, o *outbox.Outbox) error {
	for _, n := range o.Notifiers() {
		if err := cli.PrintVisible(s.Out, fmt.Sprintf("notifier %s: %s and %s hold\n", n.ID, text.Counted(len(n.Cases), "case"), text.Counted(len(n.Answers), "answer"))); err != nil {
			return err
		}
	}
	return nil
}
