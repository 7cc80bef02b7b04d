// Package terraform writes a stack as one Terraform file for the AWS provider, from
// version 6 on: its resources say in which Region they are.
package terraform

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep/internal/deploy"
)

// Configurations are the files that a stack can have, each applied with the credentials
// of other accounts: home has all places but those of the two others, by whose names
// these are called.
func Configurations() []string { return []string{"home", "archive", "members"} }

// Write writes one configuration of the stack.
func Write(w io.Writer, s *deploy.Stack, configuration string) error {
	if _, err := s.Place(configuration); err != nil || !slices.Contains(Configurations(), configuration) {
		return fmt.Errorf("this stack has no configuration %s: want one of %s", configuration, strings.Join(Configurations(), ", "))
	}
	f := file{stack: s, name: configuration}
	for _, p := range s.Places {
		if f.has(p.Name) {
			f.places = append(f.places, p)
		}
	}
	blocks := f.preamble()
	for _, p := range f.places {
		at := writer{file: &f, place: p}
		for _, r := range p.Resources {
			if err := at.add(r); err != nil {
				return err
			}
		}
		blocks = append(blocks, at.blocks...)
	}
	var out strings.Builder
	out.WriteString(f.heading())
	for _, b := range blocks {
		out.WriteString("\n")
		if err := b.write(&out, 0); err != nil {
			return fmt.Errorf("write %s %s: %w", b.kind, strings.Join(b.labels, "."), err)
		}
	}
	_, err := io.WriteString(w, out.String())
	return err
}

// file is what is being written.
type file struct {
	stack  *deploy.Stack
	name   string
	places []deploy.Place
}

// has says whether a place is in the file. Members have what every Region has, too.
func (f *file) has(place string) bool {
	switch place {
	case "archive", "members":
		return place == f.name
	case "regions":
		return f.name != "archive"
	}
	return f.name == "home"
}

func (f *file) heading() string {
	out := "# The monitoring of an account, all Regions"
	keeps := f.name == "home" && f.stack.Archive == ""
	switch {
	case f.name == "archive":
		out, keeps = "# Bucket and key of the trail, in account "+f.stack.Archive+". Apply it before the others; its output key_arn goes into home", true
	case f.name == "members":
		out = "# The monitoring of each other account of organization " + f.stack.Organization + ", all Regions"
	case f.stack.Account != "":
		out = "# The monitoring of account " + f.stack.Account + ", all Regions"
	}
	out += ".\n# Written by `rootkeep deploy render`; change its options and write it again.\n"
	if keeps && f.stack.LockMode == "compliance" {
		out += "# Nobody, not even root, can shorten the lock of log files or delete them before it ends.\n"
	}
	return out
}

// preamble is the provider, the variables and what AWS is asked.
func (f *file) preamble() []*block {
	out := []*block{
		{kind: "terraform", body: append(args("required_version", ">= 1.5"), within("required_providers", args("aws", object{{Name: "source", Value: "hashicorp/aws"}, {Name: "version", Value: ">= 6.0"}}))...)},
		{kind: "provider", labels: []string{"aws"}, body: args("region", f.stack.Home)},
	}
	var seen []string
	for _, p := range f.places {
		for _, v := range p.Parameters {
			if slices.Contains(seen, v.Name) {
				continue // the topics of two Regions have the same ends
			}
			seen = append(seen, v.Name)
			out = append(out, variable(v))
		}
	}
	if slices.ContainsFunc(f.places, func(p deploy.Place) bool { return p.Name == "regions" }) {
		out = append(out, &block{kind: "variable", labels: []string{"other_regions"}, body: args("type", expression("set(string)"),
			"description", "Every other Region that is enabled")})
	}
	return append(out,
		&block{kind: "data", labels: []string{"aws_caller_identity", "current"}},
		&block{kind: "data", labels: []string{"aws_partition", "current"}},
		&block{kind: "locals", body: args("account", expression("data.aws_caller_identity.current.account_id"), "partition", expression("data.aws_partition.current.partition"),
			"suffix", expression("data.aws_partition.current.dns_suffix"))})
}

func variable(p deploy.Parameter) *block {
	name := snake(p.Name)
	b := &block{kind: "variable", labels: []string{name}, body: args("type", expression("string"), "description", p.About)}
	if p.Default != "" {
		b.body = append(b.body, args("default", p.Default)...)
	}
	if p.Secret {
		b.body = append(b.body, args("sensitive", true)...)
	}
	check := fmt.Sprintf("can(regex(%s, var.%s))", quoted(p.Pattern), name)
	b.body = append(b.body, within("validation", args("condition", expression(check), "error_message", "Want a value that matches "+p.Pattern+"."))...)
	return b
}

// snake is an ID in Terraform's form: TrailBucket is trail_bucket.
func snake(id string) string {
	var b strings.Builder
	for i, r := range id {
		upper := r >= 'A' && r <= 'Z'
		if upper && i > 0 && (id[i-1] < 'A' || id[i-1] > 'Z') {
			b.WriteByte('_')
		}
		if upper {
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}

// writer writes the resources of one place.
type writer struct {
	*file
	place  deploy.Place
	blocks []*block
}

// put writes a resource in the Regions of the place.
func (w *writer) put(kind, name string, body ...[]entry) {
	b := &block{kind: "resource", labels: []string{kind, w.name(name)}}
	switch {
	case w.place.Name == "regions":
		b.body = args("for_each", expression("var.other_regions"), "region", expression("each.value"))
	case !strings.HasPrefix(kind, "aws_iam_"):
		b.body = args("region", w.place.Region)
	}
	for _, e := range body {
		b.body = append(b.body, e...)
	}
	w.blocks = append(w.blocks, b)
}

// name is that of a resource, one for all places.
func (w *writer) name(name string) string {
	if w.place.Name == w.file.name {
		return name
	}
	return w.place.Name + "_" + name
}

// of is a property of another resource of this place.
func (w *writer) of(kind, name, property string) expression {
	key := ""
	if w.place.Name == "regions" {
		key = "[each.key]"
	}
	return expression(kind + "." + w.name(name) + key + "." + property)
}

// after is the argument depends_on. It names the resources of all Regions.
func (w *writer) after(resources ...[2]string) []entry {
	var out list
	for _, r := range resources {
		out = append(out, expression(r[0]+"."+w.name(r[1])))
	}
	return args("depends_on", out)
}

var reference = regexp.MustCompile(`\$\{([A-Za-z0-9.]+)\}`)

// region is the Region of the place.
func (w *writer) region() (inside string) {
	if w.place.Name == "regions" {
		return "${each.value}"
	}
	return w.place.Region
}

// text is a Text as a template, or as what it refers to.
func (w *writer) text(t deploy.Text) any {
	all := reference.FindAllStringSubmatchIndex(string(t), -1)
	if len(all) == 0 {
		return string(t)
	}
	var b strings.Builder
	from := 0
	b.WriteByte('"')
	for _, at := range all {
		before := quoted(string(t[from:at[0]]))
		b.WriteString(before[1:len(before)-1] + w.named(string(t[at[2]:at[3]])))
		from = at[1]
	}
	rest := quoted(string(t[from:]))
	b.WriteString(rest[1:])
	if whole := b.String(); len(all) == 1 && all[0][0] == 0 && all[0][1] == len(t) && strings.HasPrefix(whole, `"${`) {
		return expression(whole[3 : len(whole)-2])
	}
	return expression(b.String())
}

// named is what a reference stands for, inside a template.
func (w *writer) named(name string) string {
	if p, ok := strings.CutPrefix(name, "parameter."); ok {
		return "${var." + snake(p) + "}"
	}
	if name == "region" {
		return w.region()
	}
	return "${local." + name + "}"
}

// resolved is a value with its texts resolved.
func (w *writer) resolved(v any) any {
	switch v := v.(type) {
	case deploy.Text:
		return w.text(v)
	case object:
		out := object{}
		for _, m := range v {
			out = append(out, deploy.Member{Name: m.Name, Value: w.resolved(m.Value)})
		}
		return out
	case list:
		out := list{}
		for _, one := range v {
			out = append(out, w.resolved(one))
		}
		return out
	}
	return v
}

// json is a document as the function jsonencode gives it.
func (w *writer) json(o object) call { return call{"jsonencode", w.resolved(o)} }
