// Package scanrole writes the role that a scan reads an account with: a list of IAM
// actions goes in; CloudFormation, Terraform or the plain policies come out. The role
// may do nothing but what is in the list.
package scanrole

import (
	"bytes"
	"cmp"
	"embed"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Name is what the role is called unless somebody says otherwise.
const Name = "RootkeepReadOnly"

// auditTask is the only task policy that a root session of a scan asks for (IAM User
// Guide, "AWS managed policies for privileged root user sessions").
const auditTask = ":iam::aws:policy/root-task/IAMAuditRootUserCredentials"

const assumeRoot = "sts:AssumeRoot"

// unneeded are actions that the role does not use: taking the role is the caller's,
// and its own identity AWS tells everybody.
var unneeded = []string{"sts:AssumeRole", "sts:GetCallerIdentity"}

// Formats are the names that Write knows.
func Formats() []string { return slices.Sorted(maps.Keys(templates)) }

// Partitions are the parts of AWS that a role can be for.
func Partitions() []string { return []string{"aws", "aws-cn", "aws-us-gov"} }

// Role is what is written.
type Role struct {
	Name    string   // of the role; "" is Name
	Actions []string // that a scan calls
	// Broker makes it the role that a scan of an organization begins with, in the
	// management account or the delegated administrator: it may enter the roles of that
	// name in other accounts, and take root sessions of members with the audit task.
	Broker    bool
	Partition string // aws, aws-us-gov or aws-cn; "" is aws
}

//go:embed *.tmpl
var files embed.FS

// templates by format; the plain policy has none.
var templates = map[string]string{"cloudformation": "cloudformation.tmpl", "terraform": "terraform.tmpl", "policy": ""}

// roleName is IAM's form of a role's name (IAM API Reference, CreateRole).
var roleName = regexp.MustCompile(`^[\w+=,.@-]{1,64}$`)

// Write writes the role in one of Formats.
func (r Role) Write(w io.Writer, format string) error {
	name, ok := templates[format]
	if !ok {
		return fmt.Errorf("format %q: want %s", format, strings.Join(Formats(), ", "))
	}
	if r.Name == "" {
		r.Name = Name
	}
	if !slices.Contains(Partitions(), cmp.Or(r.Partition, "aws")) {
		return fmt.Errorf("partition %q: want %s", r.Partition, strings.Join(Partitions(), ", "))
	}
	if !roleName.MatchString(r.Name) {
		return fmt.Errorf("role name %q: want up to 64 letters, digits and +=,.@_-", r.Name)
	}
	policy := r.Policy()
	if name == "" {
		_, err := fmt.Fprintf(w, "%s\n", policy)
		return err
	}
	text, err := files.ReadFile(name)
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, fill(string(text), r.Name, string(policy)))
	return err
}

// fill puts the name and the policy in their places, the policy as far to the right
// as its place is. text/template would keep every method of AWS's clients alive in the
// program.
func fill(text, name, policy string) string {
	text = strings.ReplaceAll(text, "{{name}}", name)
	before, after, _ := strings.Cut(text, "{{policy}}")
	margin := before[strings.LastIndexByte(before, '\n')+1:]
	return before + strings.ReplaceAll(policy, "\n", "\n"+margin) + after
}

type statement struct {
	Sid       string
	Effect    string
	Action    any
	Resource  string
	Condition map[string]map[string]string `json:",omitempty"`
}

// Reads are the actions that the role needs in an account, sorted, each once.
func (r Role) Reads() []string {
	out := []string{}
	for _, a := range r.Actions {
		if a != assumeRoot && !slices.Contains(unneeded, a) {
			out = append(out, a)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Policy is the role's policy as IAM takes it.
func (r Role) Policy() []byte {
	statements := []statement{{Sid: "Read", Effect: "Allow", Action: r.Reads(), Resource: "*"}}
	if arn := "arn:" + cmp.Or(r.Partition, "aws"); r.Broker {
		statements = append(statements, statement{
			Sid: "EnterMembers", Effect: "Allow", Action: []string{"sts:AssumeRole", "sts:SetSourceIdentity"}, Resource: arn + ":iam::*:role/" + cmp.Or(r.Name, Name),
			Condition: map[string]map[string]string{"StringLike": {"sts:SourceIdentity": "SC-*"}},
		}, statement{
			Sid: "AuditRootOfMembers", Effect: "Allow", Action: assumeRoot, Resource: arn + ":iam::*:root",
			Condition: map[string]map[string]string{"StringEquals": {"sts:TaskPolicyArn": arn + auditTask}},
		})
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	// Texts and lists of texts always have a JSON form.
	_ = e.Encode(struct {
		Version   string
		Statement []statement
	}{"2012-10-17", statements})
	return bytes.TrimSpace(b.Bytes())
}
