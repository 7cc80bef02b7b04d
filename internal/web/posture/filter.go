package posture

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/posture/framework"
	kept "github.com/rootkeep/rootkeep/internal/store/posture"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/page"
)

// Filter is what a list of findings is asked for, in an address of the console and of
// the API alike. Lists are separated by commas.
type Filter struct {
	Account   string `query:"account" maxLength:"4000" doc:"Only of these accounts, separated by commas"`
	Unit      string `query:"unit" maxLength:"80" doc:"Only of accounts below this root or organizational unit"`
	Control   string `query:"control" maxLength:"4000" doc:"Only of these controls, separated by commas"`
	Severity  string `query:"severity" maxLength:"80" doc:"Only of these severities, separated by commas"`
	Status    string `query:"status" maxLength:"80" doc:"Only with these statuses, separated by commas: fail, unknown, excepted, pass, not-applicable"`
	Framework string `query:"framework" maxLength:"80" doc:"Only of controls that this framework maps"`
	Clause    string `query:"clause" maxLength:"80" doc:"Only of controls that this clause of the framework maps"`
	Root      string `query:"root" enum:"yes" doc:"yes: only of controls about the root user"`
	Stale     string `query:"stale" enum:"yes" doc:"yes: only what the newest scan of its account did not judge"`
	Text      string `query:"q" maxLength:"200" doc:"Only with this text in control, title, resource or detail"`
	Sort      string `query:"sort" enum:"urgency,account,control,changed,age,resource" doc:"Order; the most urgent first if none is given"`
}

// filterOf reads a filter from an address.
func filterOf(q url.Values) Filter {
	return Filter{
		q.Get("account"), q.Get("unit"), q.Get("control"), q.Get("severity"), q.Get("status"), q.Get("framework"), q.Get("clause"), q.Get("root"), q.Get("stale"),
		strings.TrimSpace(q.Get("q")), q.Get("sort"),
	}
}

// address is a path with the filter.
func (f Filter) address(path string) string {
	q := url.Values{}
	for _, p := range [][2]string{
		{"account", f.Account}, {"unit", f.Unit}, {"control", f.Control}, {"severity", f.Severity}, {"status", f.Status}, {"framework", f.Framework}, {"clause", f.Clause},
		{"root", f.Root}, {"stale", f.Stale}, {"q", f.Text}, {"sort", f.Sort},
	} {
		if p[1] != "" {
			q.Set(p[0], p[1])
		}
	}
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

func words(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
}

// most bounds the values of one list.
const most = 200

// filter gives the filter as the store takes it.
func (a *area) filter(f Filter) (kept.Filter, kept.Sort, error) {
	out := kept.Filter{Unit: f.Unit, RootOnly: f.Root != "", Stale: f.Stale != "", Text: f.Text, Controls: words(f.Control)}
	for _, s := range words(f.Account) {
		id, err := rootkeep.ParseAccountID(s)
		if err != nil {
			return out, "", invalid("account", err)
		}
		out.Accounts = append(out.Accounts, id)
	}
	for _, s := range words(f.Severity) {
		v, err := rootkeep.ParseSeverity(s)
		if err != nil {
			return out, "", invalid("severity", err)
		}
		out.Severities = append(out.Severities, v)
	}
	for _, s := range words(f.Status) {
		v, err := rootkeep.ParseStatus(s)
		if err != nil {
			return out, "", invalid("status", err)
		}
		out.Statuses = append(out.Statuses, v)
	}
	order := kept.Sort(f.Sort)
	switch {
	case f.Sort == "":
		order = kept.ByUrgency
	case !slices.Contains(kept.Sorts(), order):
		return out, "", invalid("sort", fmt.Errorf("sort %q: want one of %v", f.Sort, kept.Sorts()))
	}
	if len(out.Accounts) > most || len(out.Controls) > most || len(f.Text) > most {
		return out, "", invalid("account, control or q", fmt.Errorf("at most %d", most))
	}
	var err error
	out.Among, err = a.among(f)
	return out, order, err
}

func invalid(where string, err error) error {
	return &web.Refusal{
		Status: http.StatusUnprocessableEntity, Kind: "invalid", Detail: err.Error(), Errors: []client.Fault{{Message: err.Error(), Location: "query." + where}},
	}
}

// among are the controls of the framework, or of its clause; nil if none is named.
func (a *area) among(f Filter) ([]string, error) {
	if f.Framework == "" {
		return nil, nil
	}
	of := framework.Find(a.Frameworks, f.Framework)
	if of == nil {
		return nil, invalid("framework", fmt.Errorf("there is no framework %q", f.Framework))
	}
	if f.Clause == "" {
		return append([]string{}, of.Controls()...), nil
	}
	out := []string{}
	for _, row := range of.Rows {
		if row.Clause == f.Clause {
			out = append(out, row.Controls...)
		}
	}
	return out, nil
}

// inputs are those of the form; units are what there is to choose.
func (a *area) inputs(f Filter, units []string) []page.Input {
	choose := func(name, label, value, all string, values ...string) page.Input {
		in := page.Input{Name: name, Label: label, Kind: "select", Value: value, Options: []page.Option{{Text: all}}}
		known := value == ""
		for _, v := range values {
			in.Options = append(in.Options, page.Option{Value: v, Text: v})
			known = known || v == value
		}
		if !known { // several, from a link
			in.Options = append(in.Options, page.Option{Value: value, Text: value})
		}
		return in
	}
	var frameworks []string
	for _, of := range a.Frameworks {
		frameworks = append(frameworks, of.ID)
	}
	out := []page.Input{
		{Name: "q", Label: "Text", Kind: "search", Value: f.Text, Most: most},
		choose("status", "Status", f.Status, "all", "fail", "unknown", "excepted", "pass", "not-applicable"),
		choose("severity", "Severity", f.Severity, "all", "critical", "high", "medium", "low", "informational"),
		{Name: "account", Label: "Account", Kind: "text", Value: f.Account, Most: 4000},
		{Name: "control", Label: "Control", Kind: "text", Value: f.Control, Most: 4000},
		choose("framework", "Framework", f.Framework, "any", frameworks...),
		choose("unit", "Unit", f.Unit, "all", units...),
		choose("sort", "Order", f.Sort, "most urgent first", "account", "control", "changed", "age", "resource"),
		{Name: "root", Label: "Root user only", Kind: "checkbox", Value: "yes", Checked: f.Root != ""},
		{Name: "stale", Label: "Not judged lately", Kind: "checkbox", Value: "yes", Checked: f.Stale != ""},
	}
	if f.Clause != "" {
		out = append(out, page.Input{Name: "clause", Label: "Clause", Kind: "text", Value: f.Clause, Most: 80})
	}
	return out
}
