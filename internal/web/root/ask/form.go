package ask

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/change"
	stored "github.com/rootkeep/rootkeep/internal/store/access"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/page"
	"github.com/rootkeep/rootkeep/internal/web/root/subject"
)

// form is what somebody types to ask for root. The task comes first.
type form struct {
	client.RootAsk
	from, until, session string // as they were typed
	texts                map[string]string
	faults               map[string]string // by input
	refused              *web.Refusal      // of all of it
}

// prefix is what the names of inputs for the parameters of a change begin with.
const prefix = "p-"

const minuteForm = "2006-01-02T15:04" // of an input of a day and a time

// OneLine makes one paragraph of what was typed: what is signed has no line ends.
func OneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func words(s string) []string {
	return strings.FieldsFunc(s, func(c rune) bool { return c == ',' || c == ' ' || c == '\n' || c == '\r' || c == '\t' })
}

// readForm reads the form of a request: its query on the way in, its body when sent.
func readForm(r *http.Request) *form {
	value := func(name string) string { return strings.TrimSpace(r.FormValue(name)) }
	f := &form{faults: map[string]string{}, texts: map[string]string{}, from: value("from"), until: value("until"), session: value("session")}
	f.RootAsk = client.RootAsk{
		Task: value("task"), Accounts: words(value("account")), Decided: value("decided"), Holder: value("holder"), Kind: value("kind"), Justification: OneLine(value("justification")),
		Ticket: OneLine(value("ticket")), Networks: words(value("networks")), Custodian: value("custodian"), Urgent: value("urgent") != "",
	}
	for name, list := range r.Form {
		if p, is := strings.CutPrefix(name, prefix); is && len(list) > 0 && strings.TrimSpace(list[0]) != "" {
			f.texts[p] = strings.TrimSpace(list[0])
		}
	}
	return f
}

// whole reads what was typed; false if something does not parse. What fits a task is for
// the task to say.
func (f *form) whole(kind *change.Kind) bool {
	f.From, f.Until = f.moment("from", f.from), f.moment("until", f.until)
	if f.session != "" {
		d, err := time.ParseDuration(f.session + "m")
		if err != nil || d < time.Minute || d > access.LongestWindow {
			f.faults["session"] = "want a number of minutes"
		}
		f.Session = int(d.Seconds())
	}
	if len(f.Accounts) == 0 {
		f.faults["account"] = "is missing"
	}
	if f.Justification == "" {
		f.faults["justification"] = "is missing"
	}
	f.Parameters = map[string]any{}
	for name, text := range f.texts {
		f.Parameters[name] = text
		if kind != nil && kind.Parameters[name].Type == "texts" {
			f.Parameters[name] = words(text)
		}
	}
	return len(f.faults) == 0
}

func (f *form) moment(name, typed string) time.Time {
	if typed == "" {
		return time.Time{}
	}
	t, err := time.Parse(minuteForm, typed)
	if err != nil {
		f.faults[name] = "want a day and a time, UTC, such as 2027-01-31T14:30"
	}
	return t
}

// refuse keeps what a request was refused for; any other error is given back.
func (f *form) refuse(err error) error {
	if r, is := err.(*web.Refusal); is && r.Status < http.StatusInternalServerError || is && r.Status == http.StatusBadGateway {
		f.refused = r
		return nil
	}
	return err
}

// formOf is the form of a request that somebody goes on to edit.
func formOf(x *stored.Request, h access.Holder, now time.Time) *form {
	r := x.Asked
	out := &form{faults: map[string]string{}, texts: map[string]string{}, until: r.Until.Format(minuteForm), session: strconv.Itoa(r.Session / 60)}
	if r.From.After(now) {
		out.from = r.From.Format(minuteForm)
	}
	out.RootAsk = client.RootAsk{
		Task: r.Task, Decided: string(x.Matter.Request.Account), Holder: string(h), Kind: string(r.Kind), Justification: r.Justification, Ticket: r.Ticket, Custodian: r.Custodian, Accounts: names(r.Accounts),
	}
	for _, n := range r.Networks {
		out.Networks = append(out.Networks, n.String())
	}
	return out
}

func names(accounts []rootkeep.AccountID) []string {
	out := make([]string, len(accounts))
	for i, a := range accounts {
		out[i] = string(a)
	}
	return out
}

// holderOf guesses what the account is, by the checklist that the request has: a form that
// changes it has to begin somewhere.
func holderOf(x *stored.Request, tasks []*access.Task) access.Holder {
	t := access.Find(tasks, x.Asked.Task)
	if t != nil {
		for _, h := range access.Holders() {
			if w, ok := t.Ways[h]; ok && w.Path == x.Asked.Path && slices.Equal(w.Items, x.Asked.Checklist) {
				return h
			}
		}
	}
	return access.Member
}

var holderWords = map[access.Holder]string{
	access.Member: "a member of an organization", access.Management: "the management account of an organization", access.Standalone: "an account in no organization",
}

// where are the inputs that say what for, and whose root user.
func (f *form) where(tasks []*access.Task) []page.Input {
	options := []page.Option{{Value: "", Text: "Choose what you want to do"}}
	for _, t := range tasks {
		options = append(options, page.Option{Value: t.ID, Text: t.Title})
	}
	holders := []page.Option{{Value: "", Text: "What the newest scan says"}}
	for _, h := range access.Holders() {
		holders = append(holders, page.Option{Value: string(h), Text: holderWords[h]})
	}
	return []page.Input{
		{Name: "task", Label: "What do you want to do?", Kind: "select", Value: f.Task, Options: options, Fault: f.faults["task"], Required: true},
		{Name: "account", Label: "Account", Kind: "text", Value: strings.Join(f.Accounts, ", "), Hint: "Twelve digits; several, with commas, only for what changes do", Fault: f.faults["account"], Required: true, Most: 8000},
		{Name: "holder", Label: "What the account is", Kind: "select", Value: f.Holder, Options: holders, Hint: "To be said where no scan has read it", Fault: f.faults["holder"]},
	}
}

// what are the inputs of a request that a task takes.
func (f *form) what(t *access.Task, o *outlook, kind *change.Kind, me string) []page.Input {
	n := o.advice.Needs
	out := []page.Input{
		{Name: "justification", Label: "Why, and why now", Kind: "textarea", Value: f.Justification, Hint: "Approvers sign this text", Fault: f.faults["justification"], Required: true, Most: 2000},
		{Name: "ticket", Label: "Ticket", Kind: "text", Value: f.Ticket, Hint: "Its number or address, if there is one", Fault: f.faults["ticket"], Most: 200},
		{Name: "from", Label: "Begins, UTC", Kind: "datetime-local", Value: f.from, Hint: "Empty for now", Fault: f.faults["from"]},
		{Name: "until", Label: "Over at the latest, UTC", Kind: "datetime-local", Value: f.until, Hint: "Empty for four hours later; at most 24 hours", Fault: f.faults["until"]},
	}
	if len(t.Requests) > 1 {
		var kinds []page.Option
		for _, k := range t.Requests {
			kinds = append(kinds, page.Option{Value: string(k), Text: subject.KindWord(k)})
		}
		out = append(out, page.Input{Name: "kind", Label: "Asked for as", Kind: "select", Value: string(o.kind), Options: kinds})
	}
	if n.Path == access.SignIn {
		keepers := []page.Option{{Value: "", Text: "Choose"}}
		for _, p := range o.custodians {
			if p.ID != me {
				keepers = append(keepers, page.Option{Value: p.ID, Text: p.Name + " (" + p.ID + ")"})
			}
		}
		out = append(out,
			page.Input{Name: "session", Label: "Minutes of the session", Kind: "number", Value: f.session, Hint: "Empty for " + minutes(n.Session) + ", which is the most", Fault: f.faults["session"]},
			page.Input{Name: "networks", Label: "From which networks", Kind: "text", Value: strings.Join(f.Networks, ", "), Hint: "Such as 198.51.100.0/24; a sign-in from elsewhere opens a case", Fault: f.faults["networks"], Required: true, Most: 1000},
			page.Input{Name: "custodian", Label: "Who hands the credential out", Kind: "select", Value: f.Custodian, Options: keepers, Hint: "Neither you nor somebody who approves", Fault: f.faults["custodian"], Required: true})
	}
	if len(f.Accounts) > 1 {
		out = append(out, page.Input{Name: "decided", Label: "Management account", Kind: "text", Value: f.Decided, Hint: "A request over several accounts is decided there", Required: true, Most: 12})
	}
	return append(out, f.parameters(kind)...)
}

// parameters are the inputs of the change that is planned for each account.
func (f *form) parameters(kind *change.Kind) []page.Input {
	if kind == nil {
		return nil
	}
	var out []page.Input
	for _, name := range slices.Sorted(maps.Keys(kind.Parameters)) {
		p := kind.Parameters[name]
		i := page.Input{Name: prefix + name, Label: name, Kind: "text", Value: f.texts[name], Hint: p.About, Fault: f.faults[prefix+name], Required: p.Required, Most: 2000}
		for _, v := range p.OneOf {
			i.Options = append(i.Options, page.Option{Value: v, Text: v})
		}
		out = append(out, i)
	}
	return out
}
