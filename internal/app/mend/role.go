package mend

import (
	"fmt"
	"maps"

	"github.com/rootkeep/rootkeep/internal/app/kinds"
	"github.com/rootkeep/rootkeep/internal/awsrole"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/change"
	"github.com/rootkeep/rootkeep/internal/writerole"
)

// audit lets the role that reads take the root sessions of a scan.
const audit = `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "sts:AssumeRoot", "Resource": "arn:aws:iam::*:root",
	"Condition": {"StringEquals": {"sts:TaskPolicyArn": "arn:aws:iam::aws:policy/root-task/IAMAuditRootUserCredentials"}}}}`

// grant gives the roles that write the policies that rootkeep renders for them, and nothing
// more. They are put away until there are changes to apply.
func (o *Organization) grant() error {
	write := map[string]string{}
	for _, class := range change.Classes() {
		actions, _ := o.kinds.Permissions(class)
		p, err := writerole.Role{Class: class, Actions: actions}.Policy()
		if err != nil {
			return fmt.Errorf("role of class %s: %w", class, err)
		}
		for i := range p.Statements {
			widen(&p.Statements[i])
		}
		write[kinds.RoleOf(class)] = string(p.JSON())
	}
	o.roles = map[*cloud.Account]map[string]*cloud.Role{}
	for _, a := range o.Cloud.Accounts() {
		o.roles[a] = map[string]*cloud.Role{}
		for name, policy := range write {
			a.Roles[name].Attached, a.Roles[name].Inline = nil, map[string]string{"write": policy}
			o.roles[a][name] = a.Roles[name]
		}
		if a.ID == o.management() {
			a.Roles[kinds.ReadRole].Inline = map[string]string{"audit": audit}
		}
	}
	o.retire()
	return nil
}

// widen lets what is allowed without a condition hold for everything: the simulator asks
// for most operations about no resource. Which resources the roles are for has tests of its
// own.
func widen(s *awsrole.Statement) {
	if s.Effect == "Allow" && s.Condition == nil {
		s.Resource = "*"
	}
}

// employ makes the roles that write, retire takes them away: as with a stack that is there
// only while changes are applied.
func (o *Organization) employ() {
	for a, roles := range o.roles {
		maps.Copy(a.Roles, roles)
	}
}

func (o *Organization) retire() {
	for a, roles := range o.roles {
		for name := range roles {
			delete(a.Roles, name)
		}
	}
}
