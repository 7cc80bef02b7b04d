package alert

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
)

func suppressCommand(s cli.Streams) *cobra.Command {
	var f flags
	var ask client.SuppressionAsk
	var expires string
	c := &cobra.Command{
		Use:   "suppress --expires WHEN --reason TEXT [--rule NAME] [--account ID] [--principal NAME] [--addresses CIDR]",
		Short: "Keep alerts from being told that you answer for",
		Long: `Suppress keeps alerts from being told that fit all that is given, exactly. They are kept,
and counted. It ends by itself, after 90 days at most. Alerts on root users and on what
watches are never suppressed.`,
		Example: "  rootkeep alert suppress --rule recon-denied-calls --principal arn:aws:iam::111122223333:role/scanner --expires 30d --reason \"the auditors' scanner, CHG-7\"",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			switch "" {
			case expires:
				return cli.Missing(c, "expires")
			case ask.Reason:
				return cli.Missing(c, "reason")
			case ask.Rule + ask.Account + ask.Principal + ask.Addresses:
				return cli.Usage("it would hide everything; hint: --rule, --account, --principal or --addresses")
			}
			var err error
			if ask.Expires, err = moment("expires", expires, time.Now(), 1); err != nil {
				return err
			}
			server, err := f.Client()
			if err != nil {
				return err
			}
			var x client.Suppression
			if _, err := server.Do(c.Context(), client.Call{Method: http.MethodPost, Path: suppressions, Body: ask}, &x); err != nil {
				return told(err)
			}
			return f.printSuppression(s, &x)
		},
	}
	f.Register(c)
	fl := c.Flags()
	fl.StringVar(&expires, "expires", "", "a time, or how long from now (30d)")
	fl.StringVar(&ask.Reason, "reason", "", "why nobody has to look at them")
	fl.StringVar(&ask.Owner, "owner", "", "ID of the person who answers for it (you)")
	fl.StringVar(&ask.Rule, "rule", "", "name of the rule")
	fl.StringVar(&ask.Account, "account", "", "account")
	fl.StringVar(&ask.Principal, "principal", "", "who did it, as alerts name them")
	fl.StringVar(&ask.Addresses, "addresses", "", "block that all addresses lie in")
	return c
}

func (f *flags) printSuppression(s cli.Streams, x *client.Suppression) error {
	if f.Output == "json" {
		return cli.WriteJSON(s.Out, struct {
			Schema string `json:"schema"`
			*client.Suppression
		}{"rootkeep/suppression/1", x})
	}
	return cli.PrintVisible(s.Out, suppressionLine(x))
}

// suppressionLine is a suppression in a line for a person.
func suppressionLine(x *client.Suppression) string {
	var scope []string
	for _, part := range [][2]string{{"rule", x.Rule}, {"account", x.Account}, {"principal", x.Principal}, {"addresses", x.Addresses}} {
		if part[1] != "" {
			scope = append(scope, part[0]+" "+part[1])
		}
	}
	ends := "until " + stamp(x.Expires)
	switch {
	case !x.Ended.IsZero():
		ends = "ended " + stamp(x.Ended)
	case !x.Active:
		ends = "expired " + stamp(x.Expires)
	}
	return cli.Visible(fmt.Sprintf("%s  %s  hid %d  %s  %s: %s", x.ID, ends, x.Hidden, cmp.Or(x.Owner, "nobody"), strings.Join(scope, ", "), x.Reason)) + "\n"
}

func suppressionsCommand(s cli.Streams) *cobra.Command {
	var f flags
	var ended bool
	c := &cobra.Command{
		Use:     "suppressions",
		Short:   "List suppressions, the newest first, with how many alerts each hid",
		Long:    "Suppressions lists what keeps alerts from being told, who answers for it, until when, and how many alerts it hid.",
		Example: "  rootkeep alert suppressions\n  rootkeep alert suppressions --ended --output json",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			server, err := f.Client()
			if err != nil {
				return err
			}
			query := url.Values{}
			if ended {
				query.Set("ended", "true")
			}
			list, err := client.Get[[]client.Suppression](c.Context(), server, suppressions, query)
			if err != nil {
				return told(err)
			}
			if f.Output == "json" {
				return cli.WriteJSON(s.Out, struct {
					Schema       string               `json:"schema"`
					Suppressions []client.Suppression `json:"suppressions"`
				}{"rootkeep/suppression-list/1", list})
			}
			var b strings.Builder
			for i := range list {
				b.WriteString(suppressionLine(&list[i]))
			}
			return cli.PrintVisible(s.Out, cmp.Or(b.String(), "no suppression\n"))
		},
	}
	f.Register(c)
	c.Flags().BoolVar(&ended, "ended", false, "also those that hide nothing any more")
	return c
}

func unsuppressCommand(s cli.Streams) *cobra.Command {
	var f flags
	c := &cobra.Command{
		Use:     "unsuppress ID",
		Short:   "End a suppression before its time",
		Long:    "Unsuppress ends a suppression. What it hid is told once it grows; new alerts are told.",
		Example: "  rootkeep alert unsuppress SU-1KB2Z7Q0MX7F3A",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if !suppressionIDs.MatchString(args[0]) {
				return cli.Usage("suppression %q: want its ID, such as SU-1KB2Z7Q0MX7F3A; hint: rootkeep alert suppressions", args[0])
			}
			server, err := f.Client()
			if err != nil {
				return err
			}
			var x client.Suppression
			if _, err := server.Do(c.Context(), client.Call{Method: http.MethodPost, Path: suppressions + "/" + url.PathEscape(args[0]) + "/end"}, &x); err != nil {
				return told(err)
			}
			return f.printSuppression(s, &x)
		},
	}
	f.Register(c)
	return c
}
