package rootrequest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/app/roottask"
	"github.com/rootkeep/rootkeep/internal/report/text"
)

// asking are the flags that say what is asked for.
type asking struct {
	ask     client.RootAsk
	drill   bool
	from    string
	until   string
	span    time.Duration
	session time.Duration
	set     []string
}

func (a *asking) register(c *cobra.Command) {
	fl := c.Flags()
	fl.StringVar(&a.ask.Justification, "justification", "", "why, and why now: approvers sign it")
	fl.StringVar(&a.ask.Ticket, "ticket", "", "the ticket that it belongs to")
	fl.StringVar(&a.from, "from", "", "when the window begins, such as 2026-12-01T14:00:00Z (default now)")
	fl.StringVar(&a.until, "until", "", "when the window is over")
	fl.DurationVar(&a.span, "for", 0, "how long the window is, instead of --until (default 4h)")
	fl.DurationVar(&a.session, "session", 0, "how long a session lasts at most (default as long as the task takes)")
	fl.StringSliceVar(&a.ask.Networks, "network", nil, "network that a sign-in comes from, such as 198.51.100.0/24; may be repeated")
	fl.StringVar(&a.ask.Custodian, "custodian", "", "ID of the person who hands the credential out, for a sign-in")
}

// window reads the times of the flags.
func (a *asking) window() error {
	moment := func(name, text string) (time.Time, error) {
		m := cli.Moment{Now: time.Now}
		if text == "" {
			return time.Time{}, nil
		}
		if err := m.Set(text); err != nil {
			return time.Time{}, cli.Usage("--%s %s: %w", name, text, err)
		}
		return m.Time.Truncate(time.Second), nil
	}
	var err error
	if a.ask.From, err = moment("from", a.from); err != nil {
		return err
	}
	if a.ask.Until, err = moment("until", a.until); err != nil {
		return err
	}
	switch {
	case a.span < 0 || a.session < 0:
		return cli.Usage("--for and --session are spans such as 2h or 15m, and not negative")
	case a.span > 0 && a.until != "":
		return cli.Usage("--for and --until: want one of them")
	case a.span > 0:
		begin := a.ask.From
		if begin.IsZero() {
			begin = time.Now().UTC().Truncate(time.Second)
		}
		a.ask.Until = begin.Add(a.span)
	}
	a.ask.Session = int(a.session / time.Second)
	return nil
}

func requestCommand(s cli.Streams) *cobra.Command {
	var f flags
	var a asking
	var dry bool
	c := &cobra.Command{
		Use:   "request --task TASK --account ID",
		Short: "Ask for root; first it says whether root is needed at all",
		Long: `Request asks for root of an account, for one task. It begins with the way without root:
where the task needs none, that is all it prints, and nothing is asked for. With
--dry-run it prints what a request would need: who has to approve it, who could, what
has to be done before and after, and which events are in its scope.

A sign-in names the networks it comes from and a custodian, who hands the credential out
and neither asks nor approves. Where root is used in a session of sts:AssumeRoot the
server plans the change in each account, with the parameters of --param; whoever approves
the request approves these plans. It takes a pass of a person.

What the account is to its organization the server's newest scan says; one that it
contradicts is refused. Where no scan has read it, --holder says it, and it is shown as
not verified.`,
		Example: `  rootkeep root request --task change-root-email --account 111122223333 --holder management --dry-run
  rootkeep root request --task drill-sign-in --account 111122223333 --holder management --network 198.51.100.0/24 --custodian PE-1KB2Z7Q0MX7F3A --justification "The exercise of this quarter"
  rootkeep root request --task delete-root-credentials --account 444455556666,777788889999 --decided-at 111122223333 --param unused_for=30d --justification "OPS-112: members without root"`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return f.request(c, s, &a, dry) },
	}
	f.Register(c)
	a.register(c)
	fl := c.Flags()
	fl.StringVar(&a.ask.Task, "task", "", "ID of the task; rootkeep root tasks list has them")
	fl.StringSliceVar(&a.ask.Accounts, "account", nil, "number of the account; several for changes, with --decided-at")
	fl.StringVar(&a.ask.Holder, "holder", "", "what the account is to its organization, where no scan has read it: member, management or standalone")
	fl.StringVar(&a.ask.Decided, "decided-at", "", "the management account, at which a request over several accounts is decided")
	fl.StringArrayVar(&a.set, "param", nil, "name=value of the change that is planned; may be repeated")
	fl.BoolVar(&a.drill, "drill", false, "an exercise: its events end as DRILL")
	fl.BoolVar(&a.ask.Urgent, "urgent", false, "ask even if nobody could approve it: you are about to override it")
	fl.BoolVar(&dry, "dry-run", false, "only print what a request would need")
	cli.CompleteNames(c, "task", taskNames)
	cli.CompleteValues(c, "holder", holders())
	return c
}

func holders() []string {
	var out []string
	for _, h := range access.Holders() {
		out = append(out, string(h))
	}
	return out
}

// taskNames are the tasks that come with rootkeep; a server may know more.
func taskNames() []string {
	c, err := roottask.Load()
	if err != nil {
		return nil
	}
	var out []string
	for _, t := range c.Tasks {
		out = append(out, t.ID+"\t"+cli.Visible(t.Title))
	}
	return out
}

func (f *flags) request(c *cobra.Command, s cli.Streams, a *asking, dry bool) error {
	if err := a.check(c); err != nil {
		return err
	}
	if err := a.window(); err != nil {
		return err
	}
	var err error
	if a.ask.Parameters, err = Parameters(a.set); err != nil {
		return err
	}
	if a.drill {
		a.ask.Kind = "drill"
	}
	server, err := f.Client()
	if err != nil {
		return err
	}
	look, err := outlook(c.Context(), server, &a.ask)
	if err != nil {
		return err
	}
	advice := adviceOf(look, look.Holder)
	if dry || advice == nil || advice.Needs == nil {
		return f.printOutlook(s, look, advice)
	}
	if a.ask.Justification == "" {
		return cli.Missing(c, "justification")
	}
	if advice.Instead != "" {
		fmt.Fprintf(s.Err, "%s\n%s\n", cli.Visible(advice.Says), cli.Visible(advice.Instead))
	}
	return f.ask(c.Context(), s, server, &a.ask)
}

// check refuses what nobody has to be asked about.
func (a *asking) check(c *cobra.Command) error {
	for name, value := range map[string]string{"task": a.ask.Task, "account": strings.Join(a.ask.Accounts, "")} {
		if value == "" {
			return cli.Missing(c, name)
		}
	}
	for _, account := range append(slices.Clone(a.ask.Accounts), cmp.Or(a.ask.Decided, a.ask.Accounts[0])) {
		if _, err := rootkeep.ParseAccountID(account); err != nil {
			return cli.Usage("--account, --decided-at: %w", err)
		}
	}
	switch n := len(a.ask.Accounts); {
	case a.ask.Holder != "" && !slices.Contains(holders(), a.ask.Holder):
		return cli.Usage("--holder %s: want one of %s", a.ask.Holder, strings.Join(holders(), ", "))
	case n > 1 && a.ask.Decided == "":
		return cli.Usage("--decided-at is missing: a request over %d accounts is decided at the management account; hint: %s --help", n, c.CommandPath())
	}
	return nil
}

// Parameters reads --param name=value. Of which type a value is, the kind of change says.
func Parameters(set []string) (map[string]any, error) {
	out := map[string]any{}
	for _, text := range set {
		name, value, found := strings.Cut(text, "=")
		if _, twice := out[name]; !found || name == "" || twice {
			return nil, cli.Usage("--param %q: want name=value, each name once; hint: rootkeep change show KIND has the names", text)
		}
		out[name] = value
	}
	return out, nil
}

// outlook is what the server says of a task for an account before anything is asked.
func outlook(ctx context.Context, server *client.Client, a *client.RootAsk) (*client.RootOutlook, error) {
	at := a.Decided
	if at == "" {
		at = a.Accounts[0]
	}
	q := url.Values{"account": {at}, "of": {a.Accounts[0]}}
	for name, value := range map[string]string{"holder": a.Holder, "kind": a.Kind, "custodian": a.Custodian} {
		if value != "" {
			q.Set(name, value)
		}
	}
	look, err := client.Get[client.RootOutlook](ctx, server, tasks+"/"+url.PathEscape(a.Task), q)
	var p *client.Problem
	if errors.As(err, &p) && p.Status == http.StatusNotFound {
		return nil, fmt.Errorf("%w; hint: rootkeep root tasks list", err)
	}
	return &look, Told(err)
}

func adviceOf(look *client.RootOutlook, holder string) *client.RootAdvice {
	for i := range look.Task.Advice {
		if look.Task.Advice[i].Holder == holder {
			return &look.Task.Advice[i]
		}
	}
	return nil
}

// printOutlook prints the way without root first, then what a request would need.
func (f *flags) printOutlook(s cli.Streams, look *client.RootOutlook, a *client.RootAdvice) error {
	if f.Output == "json" {
		return cli.WriteJSON(s.Out, struct {
			Schema string `json:"schema"`
			client.RootOutlook
		}{"rootkeep/root-outlook/1", *look})
	}
	if a == nil {
		return errors.New("the server says nothing of this holder; hint: rootkeep root tasks show")
	}
	var b strings.Builder
	if look.Standing != "" {
		fmt.Fprintf(&b, "The account is %s\n", cli.Visible(look.Standing))
	}
	fmt.Fprintf(&b, "%s\n", cli.Visible(a.Says))
	if a.Instead != "" {
		fmt.Fprintf(&b, "  %s\n", cli.Visible(a.Instead))
	}
	if a.Change != "" {
		fmt.Fprintf(&b, "  The change %s does it: rootkeep change plan %s\n", cli.Visible(a.Change), cli.Visible(a.Change))
	}
	if a.Needs != nil {
		needed(&b, look, a.Needs)
	}
	return cli.PrintVisible(s.Out, b.String())
}

// needed prints what a request would need.
func needed(b *strings.Builder, look *client.RootOutlook, n *client.RootRequirement) {
	fmt.Fprintf(b, "Way: %s\n", cli.Visible(n.Path))
	if n.Change != "" {
		fmt.Fprintf(b, "  The server plans the change %s in each account.\n", cli.Visible(n.Change))
	}
	if n.Recovery {
		b.WriteString("  The credential is made first, with root-recovery-allow, and deleted afterwards.\n")
	}
	fmt.Fprintf(b, "Approval by the policy %s\n", cli.Visible(look.Policy))
	for _, need := range look.Needs {
		fmt.Fprintf(b, "  %d of %s\n", need.Count, cli.Visible(need.Name+" ("+need.Group+")"))
	}
	people(b, "Could approve it", look.Could)
	if n.Custodian {
		people(b, "Could be the custodian", look.Custodians)
	}
	if look.Short != "" {
		fmt.Fprintf(b, "  %s\n  The way without approvals is an override: --urgent, then rootkeep root override\n", cli.Visible(look.Short))
	}
	seconds := func(n int) string { return text.Span(time.Duration(n) * time.Second) }
	fmt.Fprintf(b, "Time: about %s; a session of at most %s, in a window of at most %s\n", seconds(n.Expected), seconds(n.Session), seconds(n.Window))
	for _, q := range n.Asks {
		optional := ""
		if q.Optional {
			optional = " (optional)"
		}
		fmt.Fprintf(b, "  %s%s\n", cli.Visible(q.Name+": "+q.Text), optional)
	}
	for _, part := range []struct {
		title string
		list  []client.RootItem
	}{{"Before", n.Before}, {"Afterwards", n.After}} {
		fmt.Fprintf(b, "%s\n", part.title)
		for _, i := range part.list {
			fmt.Fprintf(b, "  %s\n", cli.Visible(i.ID+"  "+i.Text))
		}
	}
	b.WriteString("In scope\n")
	for _, e := range n.Events {
		fmt.Fprintf(b, "  %s\n", cli.Visible(e))
	}
}

func people(b *strings.Builder, title string, list []client.RootPerson) {
	var names []string
	for _, p := range list {
		names = append(names, p.ID+" "+p.Name)
	}
	if len(names) == 0 {
		names = []string{"nobody"}
	}
	fmt.Fprintf(b, "  %s: %s\n", title, cli.Visible(strings.Join(names, ", ")))
}

// ask makes the request.
func (f *flags) ask(ctx context.Context, s cli.Streams, server *client.Client, a *client.RootAsk) error {
	var made client.RootRequest
	if _, err := server.Do(ctx, client.Call{Method: http.MethodPost, Path: requests, Body: a}, &made); err != nil {
		var p *client.Problem
		if errors.As(err, &p) && !a.Urgent && p.Type == "/problems/nobody-could-approve" {
			return fmt.Errorf("%w; hint: --urgent asks all the same, and rootkeep root override goes on without approvals", err)
		}
		return Told(err)
	}
	x, err := read(ctx, server, made.ID)
	if err != nil {
		return fmt.Errorf("%s is asked for: %w", made.ID, err)
	}
	if f.Output == "json" {
		return x.json(s)
	}
	return cli.PrintVisible(s.Out, fmt.Sprintf("%s is asked for: %s/root/%s\n%s", cli.Visible(x.ID), server.Server(), cli.Visible(x.ID), card(&x.RootRequestDetail)))
}

func editCommand(s cli.Streams) *cobra.Command {
	var f flags
	var a asking
	c := &cobra.Command{
		Use:   "edit ID",
		Short: "Change what an open request for root asks for; approvals so far are void",
		Long: `Edit changes justification, ticket, window, session, networks or custodian of a request
that is not decided yet. Task, accounts and way stay: withdraw it and ask anew. Approvals
that were given are void, and whoever edits it counts as an approver no more.`,
		Example: "  rootkeep root edit RR-1KB2Z7Q0MX7F3A --custodian PE-1KB2Z7Q0MX7F3A\n  rootkeep root edit RR-1KB2Z7Q0MX7F3A --from 2026-12-01T14:00:00Z --for 2h",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := a.window(); err != nil {
				return err
			}
			server, id, err := f.begin(args[0])
			if err != nil {
				return err
			}
			x, err := read(c.Context(), server, id)
			if err != nil {
				return err
			}
			to, err := a.over(c, x, time.Now())
			if err != nil {
				return err
			}
			if to.Holder, err = holderOf(c.Context(), server, x); err != nil {
				return err
			}
			if _, err := server.Do(c.Context(), client.Call{Method: http.MethodPut, Path: path(id), IfMatch: x.tag, Body: to}, nil); err != nil {
				return Told(err)
			}
			if x, err = read(c.Context(), server, id); err != nil {
				return err
			}
			if f.Output == "json" {
				return x.json(s)
			}
			return cli.PrintVisible(s.Out, card(&x.RootRequestDetail))
		},
	}
	f.Register(c)
	a.register(c)
	return c
}

// over is what a request asks for with what the command line changes of it. A window that
// had begun begins now: nothing that was done before an approval is covered by it.
func (a *asking) over(c *cobra.Command, x *detail, now time.Time) (*client.RootAsk, error) {
	to := &client.RootAsk{
		Task: x.Task, Accounts: x.Accounts, Decided: x.Decided, Kind: x.Kind, From: x.From, Until: x.Until, Session: x.Session,
		Justification: x.Justification, Ticket: x.Ticket, Networks: x.Networks, Custodian: x.Custodian,
	}
	given := 0
	for name, take := range map[string]func(){
		"justification": func() { to.Justification = a.ask.Justification }, "ticket": func() { to.Ticket = a.ask.Ticket },
		"from": func() { to.From = a.ask.From }, "until": func() { to.Until = a.ask.Until }, "for": func() { to.Until = a.ask.Until },
		"session": func() { to.Session = a.ask.Session }, "network": func() { to.Networks = a.ask.Networks }, "custodian": func() { to.Custodian = a.ask.Custodian },
	} {
		if c.Flags().Changed(name) {
			take()
			given++
		}
	}
	if given == 0 {
		return nil, cli.Usage("nothing is changed; hint: %s --help", c.CommandPath())
	}
	if !c.Flags().Changed("from") && to.From.Before(now) {
		to.From = now.UTC().Truncate(time.Second)
	}
	return to, nil
}

// holderOf is what the account of a request is to its organization, by the checklist that
// the request has: the API wants it of an edit too.
func holderOf(ctx context.Context, server *client.Client, x *detail) (string, error) {
	all, err := client.Get[client.RootTasks](ctx, server, tasks, nil)
	if err != nil {
		return "", Told(err)
	}
	for _, t := range all.Tasks {
		for _, a := range t.Advice {
			if t.ID == x.Task && a.Needs != nil && a.Needs.Path == x.Path && sameItems(a.Needs.Before, x.Before) && sameItems(a.Needs.After, x.After) {
				return a.Holder, nil
			}
		}
	}
	return "", fmt.Errorf("the task %s has another checklist than request %s by now; hint: rootkeep root withdraw %s, and ask anew", x.Task, x.ID, x.ID)
}

func sameItems(a, b []client.RootItem) bool {
	return slices.EqualFunc(a, b, func(a, b client.RootItem) bool { return a.ID == b.ID && a.Text == b.Text })
}
