package exceptions

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/store/exceptions"
	"github.com/rootkeep/rootkeep/internal/web/page"
)

// form is what somebody types to ask for an exception.
type form struct {
	account, control, region, resource, owner, reason, until string
	faults                                                   map[string]string // by input
	problem                                                  string            // of all of it
}

// readForm reads the form of a request: its query on the way in, its body when sent.
func readForm(r *http.Request) *form {
	value := func(name string) string { return strings.TrimSpace(r.FormValue(name)) }
	return &form{
		account: value("account"), control: value("control"), region: value("region"), resource: value("resource"), owner: value("owner"),
		reason: oneLine(value("reason")), until: value("until"), faults: map[string]string{},
	}
}

// oneLine makes one paragraph of what was typed: what is signed has no line ends.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// formOf is the form of an exception that somebody goes on to edit.
func formOf(x *exceptions.Exception) *form {
	e := x.Subject
	return &form{
		account: string(e.Account), control: e.Control, region: string(e.Region), resource: e.Resource, owner: e.Owner, reason: e.Reason,
		until: e.Until.Format(time.DateOnly), faults: map[string]string{},
	}
}

// wanted is what the form asks for; false if something is missing or does not parse.
func (f *form) wanted() (exceptions.Wanted, bool) {
	w := exceptions.Wanted{
		Account: rootkeep.AccountID(f.account), Control: f.control, Region: rootkeep.Region(f.region), Resource: f.resource, Owner: f.owner, Reason: f.reason,
	}
	if _, err := rootkeep.ParseAccountID(f.account); err != nil {
		f.faults["account"] = "want twelve digits"
	}
	for name, text := range map[string]string{"control": f.control, "owner": f.owner, "reason": f.reason} {
		if text == "" {
			f.faults[name] = "is missing"
		}
	}
	var err error
	if w.Until, err = time.Parse(time.DateOnly, f.until); err != nil {
		f.faults["until"] = "want a day, such as 2027-01-31"
	}
	return w, len(f.faults) == 0
}

// where are the inputs that say which control of which account.
func (f *form) where(controls []exceptions.Control) []page.Input {
	options := []page.Option{{Value: "", Text: "Choose a control"}}
	for _, c := range controls {
		options = append(options, page.Option{Value: c.ID, Text: c.ID + " " + c.Title + " (" + c.Severity.String() + ")"})
	}
	if f.control != "" && !slices.ContainsFunc(controls, func(c exceptions.Control) bool { return c.ID == f.control }) {
		options = append(options, page.Option{Value: f.control, Text: f.control})
	}
	return []page.Input{
		{Name: "account", Label: "Account", Kind: "text", Value: f.account, Hint: "Twelve digits", Fault: f.faults["account"], Required: true, Most: 12},
		{Name: "control", Label: "Control", Kind: "select", Value: f.control, Options: options, Fault: f.faults["control"], Required: true},
	}
}

// what are the inputs that say what of it is accepted, by whom, why and until when.
func (f *form) what(now time.Time) []page.Input {
	return []page.Input{
		{Name: "region", Label: "Region", Kind: "text", Value: f.region, Hint: "Empty for all Regions", Fault: f.faults["region"], Most: 32},
		{Name: "resource", Label: "Resource", Kind: "text", Value: f.resource, Hint: "As the finding names it; empty for all of the account", Fault: f.faults["resource"], Most: 2048},
		{Name: "owner", Label: "Owner", Kind: "text", Value: f.owner, Hint: "Who accepts the failure, such as an e-mail address", Fault: f.faults["owner"], Required: true, Most: 200},
		{Name: "reason", Label: "Reason", Kind: "textarea", Value: f.reason, Hint: "Approvers sign this text", Fault: f.faults["reason"], Required: true, Most: 2000},
		{Name: "until", Label: "Until", Kind: "date", Value: f.until, Hint: "The first day on which it no longer applies, at most 366 days ahead: by " + now.AddDate(0, 0, 366).Format(time.DateOnly), Fault: f.faults["until"], Required: true},
	}
}
