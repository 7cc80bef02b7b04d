package alert

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/internal/awsout"
	"github.com/rootkeep/rootkeep/internal/report/asff"
	"github.com/rootkeep/rootkeep/internal/report/exchange"
)

const exportLong = `Export writes alerts for other tools: ocsf is one Detection Finding of the Open
Cybersecurity Schema Framework 1.3 a line; asff is what Security Hub imports, for the
Region of --region; json is all that the server knows of each.

--push-securityhub imports them into the Security Hub of --region, with AWS's usual
credentials, account by account. A second push updates what the first one brought, and an
alert that is closed is archived there. What GuardDuty or Security Hub found is not sent
back to it.

Exit 1 says that Security Hub did not take all of them.`

// exporting is what becomes of the alerts.
type exporting struct {
	format, region, profile string
	push                    bool
}

var exportFormats = []string{"ocsf", "asff", "json"}

func exportCommand(s cli.Streams) *cobra.Command {
	var f flags
	var q choice
	var e exporting
	c := &cobra.Command{
		Use:   "export",
		Short: "Write alerts as OCSF or ASFF, or import them into Security Hub",
		Long:  exportLong,
		Example: "  rootkeep alert export --format ocsf --since 24h > alerts.jsonl\n" +
			"  rootkeep alert export --push-securityhub --region eu-west-1 --account 111122223333",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return f.export(c, s, &q, &e) },
	}
	f.Register(c)
	q.register(c, 1000)
	fl := c.Flags()
	fl.StringVar(&e.format, "format", "ocsf", "ocsf, asff or json")
	fl.StringVar(&e.region, "region", "", "Region of the Security Hub, for asff and --push-securityhub")
	fl.BoolVar(&e.push, "push-securityhub", false, "import the alerts into AWS Security Hub, and write nothing")
	fl.StringVar(&e.profile, "profile", "", "profile of AWS's shared configuration, with --push-securityhub")
	cli.CompleteValues(c, "format", exportFormats)
	return c
}

func (e *exporting) check(formatted bool) error {
	_, err := rootkeep.ParseRegion(e.region)
	switch {
	case !slices.Contains(exportFormats, e.format):
		return cli.Usage("--format %s: want ocsf, asff or json", e.format)
	case e.push && formatted:
		return cli.Usage("--push-securityhub writes nothing: it does not go with --format")
	case (e.push || e.format == "asff") && err != nil:
		return cli.Usage("--region: %w; hint: the Region of the Security Hub", err)
	case !e.push && e.format != "asff" && e.region != "":
		return cli.Usage("--region goes with --format asff and --push-securityhub")
	case e.profile != "" && !e.push:
		return cli.Usage("--profile goes with --push-securityhub")
	}
	return nil
}

func (f *flags) export(c *cobra.Command, s cli.Streams, q *choice, e *exporting) error {
	if err := e.check(c.Flags().Changed("format")); err != nil {
		return err
	}
	list, server, err := f.chosen(c.Context(), q)
	if err != nil {
		return err
	}
	details := make([]client.AlertDetail, len(list))
	for i := range list {
		if details[i], err = client.Get[client.AlertDetail](c.Context(), server, all+"/"+url.PathEscape(list[i].ID), nil); err != nil {
			return told(err)
		}
	}
	switch {
	case e.push:
		return e.send(c.Context(), s, details)
	case e.format == "json":
		return cli.WriteJSON(s.Out, struct {
			Schema string               `json:"schema"`
			Alerts []client.AlertDetail `json:"alerts"`
		}{"rootkeep/alert-export/1", details})
	case e.format == "asff":
		findings, left := asff.Alerts(closing(details), rootkeep.Region(e.region), time.Now())
		if err := notSent(s, left); err != nil {
			return err
		}
		return cli.WriteJSON(s.Out, asff.Import{Findings: findings})
	}
	standing := make([]exchange.Standing, len(details))
	for i := range details {
		standing[i] = exchange.Standing{Alert: details[i].Found, Stands: details[i].State}
	}
	return exchange.AlertsOCSF(s.Out, standing, cli.Version(), time.Now())
}

func closing(details []client.AlertDetail) []asff.Alert {
	out := make([]asff.Alert, len(details))
	for i := range details {
		out[i] = asff.Alert{Alert: details[i].Found, Closed: details[i].State == "closed"}
	}
	return out
}

// send imports alerts into Security Hub, and says what came of it.
func (e *exporting) send(ctx context.Context, s cli.Streams, details []client.AlertDetail) error {
	hub, err := awsout.Open(ctx, awsout.Config{Profile: e.profile, Region: e.region})
	if err != nil {
		return err
	}
	findings, left := asff.Alerts(closing(details), hub.Region(), time.Now())
	if err := notSent(s, left); err != nil {
		return err
	}
	imported, err := hub.Import(ctx, findings)
	if err != nil {
		return err
	}
	for _, line := range imported.Lines() {
		if err := cli.PrintVisible(s.Out, line+"\n"); err != nil {
			return err
		}
	}
	if len(imported.Failed) > 0 {
		return &cli.Error{Code: cli.ExitFailed, Err: errors.New("Security Hub did not take all alerts")}
	}
	return nil
}

func notSent(s cli.Streams, left int) error {
	if left == 0 {
		return nil
	}
	_, err := fmt.Fprintf(s.Err, "rootkeep: %d alerts are left out: of no account, or found by GuardDuty or Security Hub\n", left)
	return err
}
