package reconcile

import (
	"bytes"
	"cmp"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/cloudtrail"
	"github.com/rootkeep/rootkeep/cloudtrail/rootevent"
)

// The fields that only a verdict needs, in the order of their numbers, which follow those
// of rootevent.
const (
	fIdentity = iota
	fAnswered
	fCreated
	fIssuer
	fARN
	fCaller
	fCallerAccount
	fService
	fDevice
	fPolicy
	fPolicyARN
	fIssued
	fType
	fReadOnly
	fNamedAccount
)

var ownPaths = []string{
	fIdentity:     "userIdentity.sessionContext.sourceIdentity",
	fAnswered:     "responseElements.sourceIdentity",
	fCreated:      "userIdentity.sessionContext.attributes.creationDate",
	fIssuer:       "userIdentity.sessionContext.sessionIssuer.arn",
	fDevice:       "additionalEventData.MFAIdentifier",
	fPolicy:       "requestParameters.taskPolicyArn",
	fPolicyARN:    "requestParameters.taskPolicyArn.arn",
	fIssued:       "responseElements.credentials.accessKeyId",
	fType:         "eventType",
	fReadOnly:     "readOnly",
	fNamedAccount: "requestParameters.accountId",
	// These are fields of rootevent as well.
	fARN:           "userIdentity.arn",
	fCaller:        "userIdentity.type",
	fCallerAccount: "userIdentity.accountId",
	fService:       "userIdentity.invokedBy",
}

// MaxRaw is how much of the text of a record is kept, in bytes.
const MaxRaw = 32 << 10

// Intake turns records into events. It may be used by several goroutines.
type Intake struct {
	sorter *rootevent.Sorter
	fields []string
	own    []int // numbers of ownPaths
}

// NewIntake makes an intake of records that are scanned for its Fields.
func NewIntake() (*Intake, error) {
	in := &Intake{fields: rootevent.Paths(), own: make([]int, len(ownPaths))}
	number := map[string]int{}
	for i, path := range in.fields {
		number[path] = i
	}
	for i, path := range ownPaths {
		n, there := number[path]
		if !there {
			n = len(in.fields)
			in.fields, number[path] = append(in.fields, path), n
		}
		in.own[i] = n
	}
	var err error
	in.sorter, err = rootevent.New(in.fields)
	return in, err
}

// Fields are the paths that records have to be scanned for.
func (in *Intake) Fields() []string { return in.fields }

// Event is the event that a record tells, or false if it has nothing to do with a root
// user. Its time is zero if the record has none that an event can have. It keeps nothing
// of rec.
func (in *Intake) Event(rec *cloudtrail.Record) (Event, bool) {
	v := rec.View
	kind := in.sorter.Kind(v)
	if kind == "" && v.Several() && in.rootAmong(v) {
		kind = rootkeep.RootCall
	}
	if kind == "" {
		return Event{}, false
	}
	text := func(field int) string { return rootevent.Cut(v.Text(in.own[field])) }
	e := Event{RootUse: in.sorter.Use(v), Ambiguous: v.Several()}
	e.Time, _ = in.sorter.Time(v)
	e.Type, e.Service = text(fType), text(fService)
	e.Kind = byService(kind, &e)
	e.SourceIdentity, e.Device, e.IssuedKey = cmp.Or(text(fIdentity), text(fAnswered)), text(fDevice), text(fIssued)
	e.ReadOnly = v.At(in.own[fReadOnly]).Kind == rootkeep.Bool && text(fReadOnly) == "true"
	if e.TaskPolicy = text(fPolicyARN); e.TaskPolicy == "" && v.At(in.own[fPolicy]).Kind == rootkeep.String {
		e.TaskPolicy = text(fPolicy)
	}
	if at, ok := cloudtrail.ParseTime(v.Text(in.own[fCreated])); ok {
		e.Created = time.Unix(at, 0).UTC()
	}
	e.Of = in.rootOf(v, &e)
	e.Principal = in.principal(v, &e)
	if len(rec.Raw) <= MaxRaw {
		e.Raw = bytes.Clone(rec.Raw)
	}
	return e, true
}

// byService is the kind of an event by whether an AWS service acted on its own. Behind one
// that comes from an address, or with a key that only a person has, somebody stands: what
// a service does in root's name comes from the name of a service, with temporary
// credentials (CloudTrail User Guide, "CloudTrail record contents", sourceIPAddress).
func byService(kind rootkeep.RootKind, e *Event) rootkeep.RootKind {
	if kind != rootkeep.RootByService && (e.Type != "AwsServiceEvent" || kind != rootkeep.RootCall && kind != rootkeep.RootKeyCall) {
		return kind
	}
	_, err := netip.ParseAddr(e.Address)
	switch {
	case strings.HasPrefix(e.AccessKey, "AKIA"): // see rootevent
		return rootkeep.RootKeyCall
	case err == nil:
		return rootkeep.RootCall
	}
	return rootkeep.RootByService
}

// rootAmong says whether a record that has the type of its caller twice names root as one.
func (in *Intake) rootAmong(v *rootkeep.View) bool {
	for i := 0; ; i++ {
		more, ok := v.More(in.own[fCaller], i)
		if !ok {
			return false
		}
		if string(more.Text) == "Root" {
			return true
		}
	}
}

// rootOf is whose root user an event is about: the caller's, the one that AssumeRoot aims
// at, or the one that a call names.
func (in *Intake) rootOf(v *rootkeep.View, e *Event) rootkeep.AccountID {
	named := ""
	switch e.Kind {
	case rootkeep.RootAssumed:
		return accountIn(e.Target)
	case rootkeep.RootCredential, rootkeep.RootGovernance:
		if e.Source != signInSource {
			named = rootevent.Cut(v.Text(in.own[fNamedAccount]))
			break
		}
		named = rootevent.Cut(v.Text(in.own[fCallerAccount]))
	default:
		named = rootevent.Cut(v.Text(in.own[fCallerAccount]))
	}
	return rootkeep.AccountID(cmp.Or(named, string(e.Account)))
}

// accountIn is the account that a target of AssumeRoot names: by its ID, or by the ARN of
// its root user.
func accountIn(target string) rootkeep.AccountID {
	if parts := strings.Split(target, ":"); len(parts) == 6 && parts[0] == "arn" && parts[2] == "iam" && parts[5] == "root" {
		return rootkeep.AccountID(parts[4])
	}
	return rootkeep.AccountID(target)
}

// principal names the caller as hunts do: root, a role without its session, a user.
func (in *Intake) principal(v *rootkeep.View, e *Event) string {
	switch text := func(field int) string { return rootevent.Cut(v.Text(in.own[field])) }; {
	case e.Kind == rootkeep.AssumedRootCall:
		return fmt.Sprintf("AssumeRoot session in %s", e.Of)
	case in.sorter.ByRoot(v), in.sorter.Federated(v):
		return rootkeep.RootPrincipal(e.Of)
	default:
		return cmp.Or(text(fIssuer), text(fARN), text(fService), text(fCallerAccount), "unknown")
	}
}
