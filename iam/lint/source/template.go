package source

import (
	"strings"

	"github.com/rootkeep/rootkeep/iam/jsontree"
	"github.com/rootkeep/rootkeep/iam/lint"
)

// template reads a CloudFormation template; it says whether it was one.
func (f *finder) template(root *jsontree.Value) bool {
	resources, ok := root.Member("Resources")
	if !ok || resources.Kind != jsontree.Object {
		return false
	}
	for i := range resources.Kids {
		r := &resources.Kids[i]
		kind, ok := r.Member("Type")
		properties, ok2 := r.Member("Properties")
		if !ok || !ok2 || kind.Kind != jsontree.String {
			continue
		}
		resolved, before := resolve(properties), len(f.found)
		f.walk("Resources."+r.Key+".Properties", &resolved, templateKind(kind.Text, &resolved))
		f.managed(before, kind.Text == "AWS::IAM::ManagedPolicy")
	}
	return true
}

// managed marks the policies found since.
func (f *finder) managed(since int, yes bool) {
	for i := since; i < len(f.found); i++ {
		f.found[i].Managed = yes
	}
}

// templateKind tells the type of policy from the type of the resource and the name
// of the property.
func templateKind(resource string, properties *jsontree.Value) func(string) (lint.Type, string) {
	parts := strings.Split(resource, "::")
	service := ""
	if len(parts) > 1 {
		service = strings.ToLower(parts[1])
	}
	return func(key string) (lint.Type, string) {
		switch {
		case key == "AssumeRolePolicyDocument":
			return lint.Trust, ""
		case service == "iam", service == "sso", service == "serverless" && key != "Policy":
			return lint.Identity, ""
		case service == "organizations":
			return organizationKind(properties, "Type"), ""
		}
		return lint.Resource, service
	}
}

func organizationKind(v *jsontree.Value, key string) lint.Type {
	if t, ok := v.Member(key); ok && t.Text == "RESOURCE_CONTROL_POLICY" {
		return lint.RCP
	}
	return lint.SCP
}

// plan reads a Terraform plan (terraform show -json); it says whether it was one.
func (f *finder) plan(root *jsontree.Value) bool {
	if !has(root, "terraform_version") && !has(root, "format_version") {
		return false
	}
	if planned, ok := root.Member("planned_values"); ok {
		if module, ok := planned.Member("root_module"); ok {
			f.module(module)
		}
		return true
	}
	changes, ok := root.Member("resource_changes")
	if !ok {
		return true
	}
	for i := range changes.Kids {
		if change, ok := changes.Kids[i].Member("change"); ok {
			if after, ok := change.Member("after"); ok {
				f.planned(&changes.Kids[i], after)
			}
		}
	}
	return true
}

func (f *finder) module(v *jsontree.Value) {
	if resources, ok := v.Member("resources"); ok {
		for i := range resources.Kids {
			if values, ok := resources.Kids[i].Member("values"); ok {
				f.planned(&resources.Kids[i], values)
			}
		}
	}
	if modules, ok := v.Member("child_modules"); ok {
		for i := range modules.Kids {
			f.module(&modules.Kids[i])
		}
	}
}

// planned reads the policies of one planned resource, whose address is the path.
func (f *finder) planned(resource, values *jsontree.Value) {
	address, kind := "", ""
	if v, ok := resource.Member("address"); ok {
		address = v.Text
	}
	if v, ok := resource.Member("type"); ok {
		kind = v.Text
	}
	if !strings.HasPrefix(kind, "aws_") || kind == "aws_iam_policy_document" {
		return
	}
	before := len(f.found)
	defer func() { f.managed(before, kind == "aws_iam_policy") }()
	f.walk(address, values, func(key string) (lint.Type, string) {
		service, _, _ := strings.Cut(strings.TrimPrefix(kind, "aws_"), "_")
		switch {
		case key == "assume_role_policy":
			return lint.Trust, ""
		case service == "iam", service == "ssoadmin":
			return lint.Identity, ""
		case service == "organizations":
			return organizationKind(values, "type"), ""
		}
		return lint.Resource, service
	})
}

// resolve replaces CloudFormation's functions by what is known before deployment;
// the rest becomes lint.Placeholder. It copies what it changes.
func resolve(v *jsontree.Value) jsontree.Value {
	out := *v
	if text, ok := function(v); ok {
		out.Kind, out.Text, out.Kids = jsontree.String, text, nil
		return out
	}
	if len(v.Kids) == 0 {
		return out
	}
	out.Kids = make([]jsontree.Value, 0, len(v.Kids))
	for i := range v.Kids {
		out.Kids = append(out.Kids, alternatives(&v.Kids[i], v.Kind)...)
	}
	return out
}

// alternatives are what a member may be: both sides of a Fn::If in a list, its first
// side elsewhere, and nothing for AWS::NoValue.
func alternatives(v *jsontree.Value, parent jsontree.Kind) []jsontree.Value {
	if v.Kind == jsontree.Object && len(v.Kids) == 1 {
		k := &v.Kids[0]
		switch {
		case k.Key == "Ref" && k.Text == "AWS::NoValue":
			return nil
		case k.Key == "Fn::If" && k.Kind == jsontree.List && len(k.Kids) == 3:
			sides := k.Kids[1:]
			if parent != jsontree.List {
				sides = sides[:1]
			}
			var out []jsontree.Value
			for i := range sides {
				for _, side := range alternatives(&sides[i], parent) {
					side.Key, side.KeySpan = v.Key, v.KeySpan
					out = append(out, side)
				}
			}
			return out
		}
	}
	return []jsontree.Value{resolve(v)}
}

// function is the text of a call such as {"Fn::Sub": ...}.
func function(v *jsontree.Value) (string, bool) {
	if v.Kind != jsontree.Object || len(v.Kids) != 1 {
		return "", false
	}
	k := &v.Kids[0]
	switch {
	case k.Key == "Ref" || k.Key == "Condition" && k.Kind == jsontree.String:
		return pseudo(k.Text), true
	case k.Key == "Fn::Sub":
		template := k
		if k.Kind == jsontree.List && len(k.Kids) > 0 {
			template = &k.Kids[0]
		}
		return substitute(template.Text), true
	case k.Key == "Fn::Join" && k.Kind == jsontree.List && len(k.Kids) == 2 && k.Kids[1].Kind == jsontree.List:
		parts := make([]string, len(k.Kids[1].Kids))
		for i := range parts {
			p := resolve(&k.Kids[1].Kids[i])
			parts[i] = p.Text
			if p.Kind != jsontree.String {
				parts[i] = lint.Placeholder
			}
		}
		return strings.Join(parts, k.Kids[0].Text), true
	case strings.HasPrefix(k.Key, "Fn::"):
		return lint.Placeholder, true
	}
	return "", false
}

func pseudo(name string) string {
	switch name {
	case "AWS::Partition":
		return "aws"
	case "AWS::URLSuffix":
		return "amazonaws.com"
	}
	return lint.Placeholder
}

// substitute fills in ${Name}; ${!Name} stays ${Name}, which is how a template writes
// a policy variable.
func substitute(text string) string {
	var out strings.Builder
	for {
		before, rest, ok := strings.Cut(text, "${")
		out.WriteString(before)
		if !ok {
			return out.String()
		}
		name, after, closed := strings.Cut(rest, "}")
		switch {
		case !closed:
			out.WriteString("${" + rest)
			return out.String()
		case strings.HasPrefix(name, "!"):
			out.WriteString("${" + name[1:] + "}")
		default:
			out.WriteString(pseudo(name))
		}
		text = after
	}
}
