// Package rootevent tells CloudTrail records that have to do with a root user from all
// others: the fields of a record go in, what it has to do with a root user and the parts
// of it that every reader keeps come out.
package rootevent

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/cloudtrail"
)

// numbers are those of the fields that a record is asked for.
type numbers struct {
	time, id, recipient, name, source, region, address, agent, err, message int
	kindOfCaller, arn, account, key, invokedBy, issuedMFA                   int
	assumedRoot, signIn, signInMFA, target, serial                          int
	issuer                                                                  int
}

// paths are where a record has the fields, each with its number.
func (n *numbers) paths() map[string]*int {
	return map[string]*int{
		"eventTime": &n.time, "eventID": &n.id, "recipientAccountId": &n.recipient, "eventName": &n.name, "eventSource": &n.source,
		"awsRegion": &n.region, "sourceIPAddress": &n.address, "userAgent": &n.agent, "errorCode": &n.err, "errorMessage": &n.message,
		"userIdentity.type": &n.kindOfCaller, "userIdentity.arn": &n.arn, "userIdentity.accountId": &n.account, "userIdentity.accessKeyId": &n.key,
		"userIdentity.invokedBy":                                  &n.invokedBy,
		"userIdentity.sessionContext.attributes.mfaAuthenticated": &n.issuedMFA,
		"userIdentity.sessionContext.assumedRoot":                 &n.assumedRoot,
		"userIdentity.sessionContext.sessionIssuer.arn":           &n.issuer,
		"responseElements.ConsoleLogin":                           &n.signIn,
		"additionalEventData.MFAUsed":                             &n.signInMFA,
		"requestParameters.targetPrincipal":                       &n.target,
		"requestParameters.serialNumber":                          &n.serial,
	}
}

// Paths are the fields that records have to be scanned for, in order.
func Paths() []string { return slices.Sorted(maps.Keys(new(numbers).paths())) }

// Sorter tells records that have to do with a root user from others. It may be used by
// several goroutines.
type Sorter struct{ n numbers }

// New makes a sorter of records that are scanned for certain fields. All of Paths have to
// be among them.
func New(scanned []string) (*Sorter, error) {
	s := &Sorter{}
	for path, number := range s.n.paths() {
		if *number = slices.Index(scanned, path); *number < 0 {
			return nil, fmt.Errorf("root events: records are not scanned for %s", path)
		}
	}
	return s, nil
}

// No event is older than AWS's first service or comes from the next century.
const (
	earliest = 1136073600 // 2006-01-01T00:00:00Z
	latest   = 4102444800 // 2100-01-01T00:00:00Z
)

// LongestText is how much of a text of a record is kept, in bytes.
const LongestText = 512

// Cut shortens a text at LongestText without leaving half a rune.
func Cut(b []byte) string {
	if len(b) <= LongestText {
		return string(b)
	}
	return string(bytes.ToValidUTF8(b[:LongestText], nil))
}

// Time is when the event happened, in whole seconds; false if the record has no time that
// an event can have.
func (s *Sorter) Time(v *rootkeep.View) (time.Time, bool) {
	at, ok := cloudtrail.ParseTime(v.Text(s.n.time))
	if !ok || at < earliest || at >= latest {
		return time.Time{}, false
	}
	return time.Unix(at, 0).UTC(), true
}

// Use is the record as a use of root, without its time, kind, country, principal and
// text, which cost more or need more than the record.
func (s *Sorter) Use(v *rootkeep.View) rootkeep.RootUse {
	text := func(field int) string { return Cut(v.Text(field)) }
	n := &s.n
	u := rootkeep.RootUse{
		ID: text(n.id), Account: rootkeep.AccountID(cmp.Or(text(n.recipient), text(n.account))), Region: rootkeep.Region(text(n.region)),
		Source: text(n.source), Name: text(n.name), Address: text(n.address), Agent: text(n.agent),
		AccessKey: text(n.key), Target: text(n.target), MFA: s.mfa(v),
	}
	u.Failed, u.Error = s.outcome(v)
	return u
}

// outcome says whether the call failed, and with what. A failed sign-in has a message
// and no code.
func (s *Sorter) outcome(v *rootkeep.View) (failed bool, err string) {
	code := v.Text(s.n.err)
	switch {
	case len(code) > 0 && !bytes.EqualFold(code, []byte("Success")):
		return true, Cut(code)
	case bytes.EqualFold(v.Text(s.n.signIn), []byte("Failure")):
		return true, Cut(v.Text(s.n.message))
	}
	return false, ""
}

// mfa is what the record says of a second factor: the sign-in's own word, or the
// session's.
func (s *Sorter) mfa(v *rootkeep.View) string {
	for _, field := range []int{s.n.signInMFA, s.n.issuedMFA} {
		switch text := v.Text(field); {
		case bytes.EqualFold(text, []byte("yes")), bytes.EqualFold(text, []byte("true")):
			return "yes"
		case len(text) > 0:
			return "no"
		}
	}
	return ""
}
