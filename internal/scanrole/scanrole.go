// Package scanrole writes the role that a scan reads an account with: a list of IAM
// actions goes in; CloudFormation, Terraform or the plain policies come out. The role
// may do nothing but what is in the list.
package scanrole

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep/internal/awsrole"
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
func Formats() []string { return []string{"cloudformation", "policy", "terraform"} }

// Partitions are the parts of AWS that a role can be for.
func Partitions() []string { return awsrole.Partitions() }

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

// Write writes the role in one of Formats.
func (r Role) Write(w io.Writer, format string) error {
	if !slices.Contains(Formats(), format) {
		return fmt.Errorf("format %q: want %s", format, strings.Join(Formats(), ", "))
	}
	if !slices.Contains(Partitions(), cmp.Or(r.Partition, "aws")) {
		return fmt.Errorf("partition %q: want %s", r.Partition, strings.Join(Partitions(), ", "))
	}
	return awsrole.Role{
		Name: cmp.Or(r.Name, Name), Title: "Read-only role for rootkeep", About: "Read by rootkeep",
		Head:   "The role that rootkeep reads an account with. Written by `rootkeep scan role`; a newer\nrootkeep may call more, so write it again after an update.",
		Enters: awsrole.Entrant{Word: "scanner", Does: "scans", Sources: []string{source}}, Policy: r.policy(),
	}.Write(w, format)
}

// source is the pattern of the source identities of scans.
const source = "SC-*"

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
func (r Role) Policy() []byte { return r.policy().JSON() }

func (r Role) policy() awsrole.Policy {
	statements := []awsrole.Statement{{Sid: "Read", Effect: "Allow", Action: r.Reads(), Resource: "*"}}
	if arn := "arn:" + cmp.Or(r.Partition, "aws"); r.Broker {
		statements = append(statements, awsrole.Statement{
			Sid: "EnterMembers", Effect: "Allow", Action: []string{"sts:AssumeRole", "sts:SetSourceIdentity"}, Resource: arn + ":iam::*:role/" + cmp.Or(r.Name, Name),
			Condition: map[string]map[string]any{"StringLike": {"sts:SourceIdentity": source}},
		}, awsrole.Statement{
			Sid: "AuditRootOfMembers", Effect: "Allow", Action: assumeRoot, Resource: arn + ":iam::*:root",
			Condition: map[string]map[string]any{"StringEquals": {"sts:TaskPolicyArn": arn + auditTask}},
		})
	}
	return awsrole.Policy{Name: "read", Statements: statements}
}
