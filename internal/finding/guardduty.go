package finding

import (
	"cmp"
	"net/netip"
	"strings"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/alert"
	"github.com/rootkeep/rootkeep/internal/report/text"
)

// duty is a finding of GuardDuty. Its numbers may be fractions in form.
//
// Source: Amazon GuardDuty API Reference, "Finding".
type duty struct {
	ID          string
	ARN         string
	AccountID   string
	Partition   string
	Region      string
	Type        string
	Title       string
	Description string
	CreatedAt   string
	UpdatedAt   string
	Severity    *float64
	Resource    struct {
		ResourceType     string
		AccessKeyDetails *credential
		InstanceDetails  *struct{ InstanceID string }
		S3BucketDetails  []struct{ ARN string }

		EKSClusterDetails, ECSClusterDetails *struct{ ARN string }
		LambdaDetails                        *struct{ FunctionARN string }
		RDSDBInstanceDetails                 *struct{ DBInstanceARN string }
	}
	Service struct {
		Archived       bool
		Count          float64
		EventFirstSeen string
		EventLastSeen  string
		Detection      detection
		Action         struct {
			AWSAPICallAction        *call
			NetworkConnectionAction *reached
			KubernetesAPICallAction *reached
			RDSLoginAttemptAction   *reached
			PortProbeAction         *struct{ PortProbeDetails []reached }
		}
	}
}

// reached is an action that came from an address.
type reached struct{ RemoteIPDetails remote }

// detection is what a sequence of signals says beside a finding of one. Security Hub has the
// same.
type detection struct {
	Sequence struct {
		Actors []struct {
			User struct{ Name, Type, UID, CredentialUID string }
		}
	}
}

// credential is whose key made the calls of a sequence: root's if root's is among them, and
// nobody's if there are several.
func (d *detection) credential() *credential {
	var out *credential
	actors := d.Sequence.Actors
	for i := range actors {
		u := &actors[i].User
		if root := strings.EqualFold(u.Type, "Root"); root || len(actors) == 1 {
			out = &credential{u.CredentialUID, u.UID, u.Name, u.Type}
		}
	}
	return out
}

// others are the actors of a sequence of several.
func (d *detection) others() (out []string) {
	for i := range d.Sequence.Actors {
		if u := &d.Sequence.Actors[i].User; len(d.Sequence.Actors) > 1 && i < mostActors {
			out = append(out, "actor "+u.Type+" "+u.Name)
		}
	}
	return out
}

const mostActors = 10 // that a sequence names

type call struct {
	API             string
	RemoteIPDetails remote
}

type remote struct {
	IPAddressV4  string
	IPAddressV6  string
	Organization struct{ ASNOrg string }
}

// credential is whose key made a call.
type credential struct{ AccessKeyID, PrincipalID, UserName, UserType string }

func (d *duty) sighting() (*alert.Sighting, error) {
	level, err := dutyLevel(d.Severity)
	if err != nil {
		return nil, err
	}
	s := said{
		id: d.ARN, account: d.AccountID, region: d.Region, product: "Amazon GuardDuty", kind: d.Type, title: d.Title, about: d.Description, level: level,
		first: cmp.Or(d.Service.EventFirstSeen, d.CreatedAt), last: cmp.Or(d.Service.EventLastSeen, d.UpdatedAt), heard: d.UpdatedAt, count: whole(d.Service.Count),
	}
	if d.Type != "" {
		s.rule = dutyRule(d.Type)
	}
	if d.Service.Archived {
		s.over = "archived in GuardDuty"
	}
	partition := cmp.Or(d.Partition, rootkeep.Region(d.Region).Partition())
	s.notes = d.Service.Detection.others()
	s.actor = actor(d.Type, partition, d.AccountID, cmp.Or(d.Resource.AccessKeyDetails, d.Service.Detection.credential()))
	if s.actor.Principal == "" {
		s.actor.Principal = d.resource(partition)
	}
	d.calls(&s)
	return s.sighting()
}

// dutyRule is the name under which a type of GuardDuty's findings is a rule.
func dutyRule(kind string) string { return "guardduty/" + kind }

// resource names what the finding is about, where no credential is: by its ARN, as Security
// Hub does, so that both reports of a finding have one name.
func (d *duty) resource(partition string) string {
	r := &d.Resource
	var arn string
	switch {
	case r.InstanceDetails != nil && r.InstanceDetails.InstanceID != "":
		arn = "arn:" + partition + ":ec2:" + d.Region + ":" + d.AccountID + ":instance/" + r.InstanceDetails.InstanceID
	case len(r.S3BucketDetails) > 0:
		arn = r.S3BucketDetails[0].ARN
	case r.EKSClusterDetails != nil:
		arn = r.EKSClusterDetails.ARN
	case r.ECSClusterDetails != nil:
		arn = r.ECSClusterDetails.ARN
	case r.LambdaDetails != nil:
		arn = r.LambdaDetails.FunctionARN
	case r.RDSDBInstanceDetails != nil:
		arn = r.RDSDBInstanceDetails.DBInstanceARN
	}
	return cmp.Or(arn, cmp.Or(r.ResourceType, "unknown")+" in "+d.AccountID)
}

// calls are what was called, and from where.
func (d *duty) calls(s *said) {
	var from remote
	switch a := d.Service.Action; {
	case a.AWSAPICallAction != nil:
		from = a.AWSAPICallAction.RemoteIPDetails
		if name := a.AWSAPICallAction.API; name != "" {
			s.actions = []rootkeep.Count{{Text: text.Visible(name, longestName), Count: max(1, s.count)}}
		}
	case a.PortProbeAction != nil && len(a.PortProbeAction.PortProbeDetails) > 0:
		from = a.PortProbeAction.PortProbeDetails[0].RemoteIPDetails
	default:
		if r := cmp.Or(a.NetworkConnectionAction, a.KubernetesAPICallAction, a.RDSLoginAttemptAction); r != nil {
			from = r.RemoteIPDetails
		}
	}
	s.from(cmp.Or(from.IPAddressV4, from.IPAddressV6), from.Organization.ASNOrg)
}

// from notes an address, unless it is none.
func (s *said) from(address, network string) {
	if at, err := netip.ParseAddr(address); err == nil {
		s.addresses = []rootkeep.Address{{Text: at.WithZone("").String(), Network: text.Visible(network, longestName), Count: max(1, s.count)}}
	}
}

// actor is who acted, under the name that detections have for it: a session of a role is
// the role's. GuardDuty does not say the path of a user or a role, which is in an ARN; one
// that has a path is found under another name.
func actor(kind, partition, account string, c *credential) rootkeep.Actor {
	root := kind == RootUse || kind == ShortRootUse
	if c == nil && !root {
		return rootkeep.Actor{}
	}
	if c == nil {
		c = &credential{}
	}
	a := rootkeep.Actor{Type: c.UserType, Account: rootkeep.AccountID(account), AccessKeyID: c.AccessKeyID}
	iam := "arn:" + partition + ":iam::" + account + ":"
	switch {
	case kind == ShortRootUse:
		a.Type, a.ARN, a.Principal = "Root", iam+"root", "AssumeRoot session in "+account
	case root || strings.EqualFold(c.UserType, "Root"):
		a.Type, a.ARN, a.Principal = "Root", iam+"root", rootkeep.RootPrincipal(rootkeep.AccountID(account))
	case c.UserName == "":
		a.Principal = cmp.Or(c.PrincipalID, "unknown")
	case c.UserType == "IAMUser":
		a.Principal = iam + "user/" + c.UserName
		a.ARN = a.Principal
	case c.UserType == "AssumedRole" || c.UserType == "Role":
		a.Type, a.Principal = "AssumedRole", iam+"role/"+c.UserName
		_, a.Session, _ = strings.Cut(c.PrincipalID, ":")
	default:
		a.Principal = c.UserName + " in " + account
	}
	return a
}
