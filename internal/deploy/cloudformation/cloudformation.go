// Package cloudformation writes the places of a stack as CloudFormation templates, one
// for each: a template makes things in one Region.
package cloudformation

import (
	"fmt"
	"io"
	"regexp"
	"slices"

	"github.com/rootkeep/rootkeep/internal/deploy"
)

type (
	object = deploy.Object
	list   = deploy.List
)

// Write writes the template of a place.
func Write(w io.Writer, s *deploy.Stack, p deploy.Place) error {
	t := template{stack: s, place: p}
	for _, r := range p.Resources {
		if err := t.add(r); err != nil {
			return err
		}
	}
	root := object{{Name: "AWSTemplateFormatVersion", Value: "2010-09-09"}, {Name: "Description", Value: "rootkeep: " + p.About}}
	if len(p.Parameters) > 0 {
		root = append(root, deploy.Member{Name: "Parameters", Value: parameters(p.Parameters)})
	}
	if len(t.conditions) > 0 {
		root = append(root, deploy.Member{Name: "Conditions", Value: t.conditions})
	}
	root = append(root, deploy.Member{Name: "Resources", Value: t.resources})
	if len(t.outputs) > 0 {
		root = append(root, deploy.Member{Name: "Outputs", Value: t.outputs})
	}
	text, err := encode(root)
	if err != nil {
		return fmt.Errorf("write template %s: %w", p.Name, err)
	}
	_, err = io.WriteString(w, heading(s, p)+text)
	return err
}

// heading says what the template is and where it goes.
func heading(s *deploy.Stack, p deploy.Place) string {
	out := "# " + p.About + ".\n# Written by `rootkeep deploy render`; change its options and write it again.\n"
	switch {
	case p.Name == "home" || p.Name == "signin":
		out += "# Create the stack in " + p.Region + where(s) + ".\n"
	case p.Name == "archive":
		out += "# Create the stack in " + p.Region + " of account " + s.Archive + ", before the others; its output KeyArn goes into home.\n"
	case p.Name == "regions":
		out += "# Create it as a StackSet in every Region but " + s.Home + ", in every account.\n"
	default:
		out += "# Create it as a StackSet in " + s.Home + " of every account but " + s.Account + ".\n"
	}
	if holds(p) && s.LockMode == "compliance" {
		out += "# Nobody, not even root, can shorten the lock of log files or delete them before it ends.\n"
	}
	return out + "\n"
}

// holds says whether the trail's bucket is there.
func holds(p deploy.Place) bool {
	return slices.ContainsFunc(p.Resources, func(r deploy.Resource) bool { b, ok := r.(deploy.Bucket); return ok && b.LockMode != "" })
}

func where(s *deploy.Stack) string {
	if s.Account == "" {
		return ""
	}
	return " of account " + s.Account
}

func parameters(list []deploy.Parameter) object {
	var out object
	for _, p := range list {
		one := object{{Name: "Type", Value: "String"}, {Name: "Description", Value: p.About}, {Name: "AllowedPattern", Value: p.Pattern}}
		if p.Default != "" {
			one = append(one, deploy.Member{Name: "Default", Value: p.Default})
		}
		if p.Secret {
			one = append(one, deploy.Member{Name: "NoEcho", Value: true})
		}
		out = append(out, deploy.Member{Name: p.Name, Value: one})
	}
	return out
}

// template is what is being written.
type template struct {
	stack      *deploy.Stack
	place      deploy.Place
	resources  object
	conditions object
	outputs    object
}

// resource is one entry of the section Resources.
type resource struct {
	kind       string
	properties object
	after      []string
	condition  string
	deletion   string // what becomes of it when the stack is deleted, "" where that is plain
}

func (t *template) put(id string, r resource) {
	out := object{{Name: "Type", Value: r.kind}}
	if r.condition != "" {
		out = append(out, deploy.Member{Name: "Condition", Value: r.condition})
	}
	var after list
	for _, other := range r.after {
		if other != "" {
			after = append(after, other)
		}
	}
	if len(after) > 0 {
		out = append(out, deploy.Member{Name: "DependsOn", Value: after})
	}
	if r.deletion != "" {
		out = append(out, deploy.Member{Name: "DeletionPolicy", Value: r.deletion}, deploy.Member{Name: "UpdateReplacePolicy", Value: r.deletion})
	}
	if len(r.properties) > 0 {
		out = append(out, deploy.Member{Name: "Properties", Value: r.properties})
	}
	t.resources = append(t.resources, deploy.Member{Name: id, Value: out})
}

// output names something for whoever made the stack.
func (t *template) output(name, about string, value any) {
	t.outputs = append(t.outputs, deploy.Member{Name: name, Value: object{{Name: "Description", Value: about}, {Name: "Value", Value: value}}})
}

// props makes an object of names and values, without the values that are nil.
func props(pairs ...any) object {
	var out object
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != nil {
			out = append(out, deploy.Member{Name: pairs[i].(string), Value: pairs[i+1]})
		}
	}
	return out
}

func ref(id string) object { return props("Ref", id) }

// attribute is an attribute of a resource, nil of none.
func attribute(id, name string) any {
	if id == "" {
		return nil
	}
	return props("Fn::GetAtt", list{id, name})
}

// or is a value, nil where there is none.
func or(yes bool, v any) any {
	if !yes {
		return nil
	}
	return v
}

// place of a Text.
var reference = regexp.MustCompile(`\$\{([A-Za-z0-9.]+)\}`)

var pseudo = map[string]string{"account": "AWS::AccountId", "region": "AWS::Region", "partition": "AWS::Partition", "suffix": "AWS::URLSuffix"}

// text is a Text in CloudFormation's functions.
func text(t deploy.Text) any {
	all := reference.FindAllStringSubmatch(string(t), -1)
	switch {
	case len(all) == 0:
		return string(t)
	case len(all) == 1 && all[0][0] == string(t):
		return ref(named(all[0][1]))
	}
	return props("Fn::Sub", reference.ReplaceAllStringFunc(string(t), func(s string) string { return "${" + named(s[2:len(s)-1]) + "}" }))
}

func named(name string) string {
	if p, ok := pseudo[name]; ok {
		return p
	}
	const parameter = "parameter."
	if len(name) > len(parameter) && name[:len(parameter)] == parameter {
		return name[len(parameter):]
	}
	return name
}
