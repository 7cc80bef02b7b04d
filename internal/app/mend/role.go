package mend

import (
	"maps"
	"slices"

	"github.com/rootkeep/rootkeep/internal/app/kinds"
	"github.com/rootkeep/rootkeep/internal/awsread"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/change"
	"github.com/rootkeep/rootkeep/internal/scanrole"
)

// scanRole is the role of the generated organization that scans enter.
const scanRole = awsread.UsualRole

// grant gives the management account's role what `rootkeep scan role --broker` writes, and
// puts the roles that plan and write, which are those that rootkeep renders, away until
// there are changes to apply.
func (o *Organization) grant() {
	broker := scanrole.Role{Name: scanRole, Broker: true}
	for _, operation := range slices.Concat(awsread.Operations(), awsread.OrganizationOperations()) {
		broker.Actions = append(broker.Actions, operation.Action)
	}
	o.Cloud.Account(o.management()).Roles[scanRole].Inline = map[string]string{"read": string(broker.Policy())}
	o.roles = map[*cloud.Account]map[string]*cloud.Role{}
	for _, a := range o.Cloud.Accounts() {
		o.roles[a] = map[string]*cloud.Role{}
		for _, class := range change.Classes() {
			o.roles[a][kinds.RoleOf(class)] = a.Roles[kinds.RoleOf(class)]
		}
		o.roles[a][kinds.ReadRole] = a.Roles[kinds.ReadRole]
	}
	o.retire()
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
