package changes

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/change"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/page"
)

// form is what somebody types to plan a change.
type form struct {
	kinds    []*change.Kind // all there are
	name     string         // of the kind, as it was typed
	kind     *change.Kind   // nil if there is none of that name
	typed    string         // accounts, as they were typed
	accounts []string
	region   string
	about    string // of a batch
	texts    map[string]string
	given    map[string]any    // parameters, as the engine takes them
	faults   map[string]string // by input
	refused  *web.Refusal      // of all of it
}

// prefix is what the names of a form's inputs for parameters begin with, in addresses
// too: /changes/new?kind=password-policy&account=111122223333&p-minimum_length=16.
const prefix = "p-"

// readForm reads the form of a request: its query on the way in, its body when sent.
func (a *area) readForm(r *http.Request) *form {
	value := func(name string) string { return strings.TrimSpace(r.FormValue(name)) }
	f := &form{
		kinds: a.Engine.Kinds(), name: value("kind"), kind: a.kind(value("kind")), typed: value("account"), region: value("region"), about: value("about"),
		texts: map[string]string{}, given: map[string]any{}, faults: map[string]string{},
	}
	f.accounts = strings.FieldsFunc(f.typed, func(c rune) bool { return c == ',' || c == ' ' || c == '\n' || c == '\r' || c == '\t' })
	if f.kind == nil {
		if f.name != "" {
			f.faults["kind"] = "there is no kind of change " + f.name + " on this server"
		}
		return f
	}
	for name, p := range f.kind.Parameters {
		if text := about(value("resource"), name, &p); text != "" {
			f.texts[name] = text
		}
	}
	for name := range f.kind.Parameters {
		if list, sent := r.Form[prefix+name]; sent && len(list) > 0 {
			f.texts[name] = strings.TrimSpace(list[0])
		}
	}
	return f
}

// about is what a parameter has to be for a change to be about a resource, "" if that does
// not tell: a parameter with the name of the resource's type is its ARN or its name,
// whichever it takes.
func about(resource, name string, p *change.Parameter) string {
	arn, err := rootkeep.ParseARN(resource)
	if err != nil || p.Type != "text" {
		return ""
	}
	kind, _, typed := strings.Cut(strings.ReplaceAll(arn.Resource, ":", "/"), "/")
	if word, known := map[string]string{"s3": "bucket", "sns": "topic", "sqs": "queue", "secretsmanager": "secret"}[arn.Service]; known {
		kind, typed = word, true
	}
	if !typed || kind != name {
		return ""
	}
	for _, text := range []string{resource, arn.Resource[strings.LastIndexAny(arn.Resource, "/:")+1:]} {
		if _, err := p.Read(text); err == nil {
			return text
		}
	}
	return ""
}

// whole reads what was typed; false if something is missing or does not fit.
func (f *form) whole() bool {
	if f.kind == nil {
		f.faults["kind"] = cmp.Or(f.faults["kind"], "choose what is to be changed")
	}
	if len(f.accounts) == 0 {
		f.faults["account"] = "is missing"
	}
	for _, id := range f.accounts {
		if _, err := rootkeep.ParseAccountID(id); err != nil {
			f.faults["account"] = err.Error()
		}
	}
	if f.kind != nil {
		for name, p := range f.kind.Parameters {
			f.read(name, &p)
		}
	}
	return len(f.faults) == 0
}

// read takes the text of a parameter. One that is left empty has its default.
func (f *form) read(name string, p *change.Parameter) {
	text := f.texts[name]
	if text == "" && p.Type != "texts" && !p.Required {
		return
	}
	var v any = text
	if p.Type == "texts" {
		v = linesOf(text)
		if text == "" && !p.Required {
			if _, sent := f.texts[name]; !sent {
				return
			}
		}
	}
	if _, err := p.Read(v); err != nil {
		f.faults[prefix+name] = err.Error()
		return
	}
	f.given[name] = v
}

// linesOf are the lines of a text that are not empty.
func linesOf(text string) []any {
	out := []any{}
	for l := range strings.Lines(text) {
		if l = strings.TrimSpace(l); l != "" {
			out = append(out, l)
		}
	}
	return out
}

// batchAbout is what a batch says it is for.
func (f *form) batchAbout() string {
	if f.about != "" {
		return f.about
	}
	return f.kind.Title
}

// where are the inputs that say what is changed where.
func (f *form) where() []page.Input {
	options := []page.Option{{Value: "", Text: "Choose a kind of change"}}
	for _, k := range f.kinds {
		options = append(options, page.Option{Value: k.ID, Text: k.ID + ": " + k.Title})
	}
	return []page.Input{{Name: "kind", Label: "Kind of change", Kind: "select", Value: f.name, Options: options, Fault: f.faults["kind"], Required: true}, f.account()}
}

func (f *form) account() page.Input {
	return page.Input{Name: "account", Label: "Account", Kind: "text", Value: f.typed, Fault: f.faults["account"], Required: true, Most: 8000,
		Hint: "Twelve digits. Several, with spaces between, make a batch: the first is the canary, and the others wait for it"}
}

// inputs are those of the kind that was chosen: where, and a real input for each parameter.
func (f *form) inputs() []page.Input {
	out := []page.Input{f.account()}
	for _, name := range slices.Sorted(maps.Keys(f.kind.Parameters)) {
		p := f.kind.Parameters[name]
		out = append(out, f.input(name, &p))
	}
	out = append(out, page.Input{Name: "region", Label: "Region", Kind: "text", Value: f.region, Hint: "Where calls are made that name none; empty for the server's home Region", Most: 32})
	if len(f.accounts) > 1 {
		out = append(out, page.Input{Name: "about", Label: "What the batch is for", Kind: "text", Value: f.about, Hint: "Empty for the title of the change", Most: 200})
	}
	return out
}

func (f *form) input(name string, p *change.Parameter) page.Input {
	in := page.Input{Name: prefix + name, Label: label(name), Kind: "text", Hint: sentence(p.About), Fault: f.faults[prefix+name], Required: p.Required}
	value, typed := f.texts[name]
	if !typed && p.Default != nil {
		value = textOf(p.Default)
	}
	in.Value = value
	switch {
	case p.Type == "yes-no":
		in.Kind, in.Options = "select", []page.Option{{Value: "yes", Text: "yes"}, {Value: "no", Text: "no"}}
	case p.Type == "number":
		in.Kind = "number"
		in.Hint += bounds(p)
	case p.Type == "duration":
		in.Hint += ", such as 12h or 90d"
	case p.Type == "texts":
		in.Kind = "textarea"
		in.Hint += "; one a line"
		if len(p.OneOf) > 0 {
			in.Hint += ", of " + strings.Join(p.OneOf, ", ")
		}
	case len(p.OneOf) > 0:
		in.Kind = "select"
		for _, o := range p.OneOf {
			in.Options = append(in.Options, page.Option{Value: o, Text: o})
		}
	}
	return in
}

func bounds(p *change.Parameter) string {
	switch {
	case p.Least != nil && p.Most != nil:
		return fmt.Sprintf(", %d to %d", *p.Least, *p.Most)
	case p.Least != nil:
		return fmt.Sprintf(", at least %d", *p.Least)
	case p.Most != nil:
		return fmt.Sprintf(", at most %d", *p.Most)
	}
	return ""
}

// textOf is a default as it is typed.
func textOf(v any) string {
	switch x := v.(type) {
	case bool:
		if x {
			return "yes"
		}
		return "no"
	case []any:
		out := make([]string, len(x))
		for i := range x {
			out[i] = fmt.Sprint(x[i])
		}
		return strings.Join(out, "\n")
	}
	return fmt.Sprint(v)
}

// label is the name of a parameter as a form shows it.
func label(name string) string { return sentence(strings.ReplaceAll(name, "_", " ")) }

// sentence begins with a capital letter.
func sentence(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
