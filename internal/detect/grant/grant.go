// Package grant judges what a policy document that an event wrote would allow. A
// document and where it was written go in; whether it is as bad as a rule says, and
// the statement that makes it so, come out. The answers are the evaluator's (package
// iam): Deny statements, NotAction, variables and conditions count, and what hangs on
// a condition is said with it. It sees one document: no boundary, no service control
// policy and no second policy of the same holder.
package grant

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/iam/policy"
)

// Rules by name. Each asks one kind of policy.
const (
	Administrator  = "admin-policy"   // an identity policy that is administrator in effect
	Escalating     = "broad-policy"   // one that is, or that leads there in a step
	OutsiderTrust  = "external-trust" // a trust or resource policy that admits another account, or anybody
	EverybodyGrant = "public-grant"   // one that admits anybody
	// OpenAdminPort asks no policy but the parameters of a call that opens a security
	// group: whether everybody gets to a port that machines are administered by.
	OpenAdminPort = "open-admin-port"
)

var rules = map[string]func(*probe) (Judgement, error){
	Administrator:  administrator,
	Escalating:     escalating,
	OutsiderTrust:  func(p *probe) (Judgement, error) { return outsiders(p, named) },
	EverybodyGrant: func(p *probe) (Judgement, error) { return outsiders(p, strangersOnly) },
}

// Known says whether there is a rule of that name.
func Known(rule string) bool { return rules[rule] != nil || rule == OpenAdminPort }

// Document is a policy and where an event wrote it.
type Document struct {
	Text    []byte // JSON, or JSON with URL escapes as IAM prints it
	Account rootkeep.AccountID
	// Partition of the account, such as aws-us-gov; "" is aws.
	Partition string
	Region    rootkeep.Region
	Service   string // prefix of the service that was called: iam, s3, kms
	// Holder is the ARN of the user, role, group or policy that the document was put
	// on, of the role whose trust it is, or of the resource; "" if it is not known.
	Holder string
}

// Judgement is the answer to one rule.
type Judgement struct {
	Bad bool
	// Finding says what is bad and under which condition, or why the document could
	// not be judged and is therefore taken as bad. It may quote the document.
	Finding string
}

// Judge judges documents and remembers its answers. The zero Judge is ready. It must
// not be used by several goroutines at once.
type Judge struct {
	known map[[sha256.Size]byte]Judgement
}

const (
	// maxDocument is more than CloudTrail delivers: it leaves request parameters of
	// more than 100 KB out.
	maxDocument = 128 << 10
	maxKnown    = 4096 // answers remembered
)

// Of applies a rule, which must be Known. A document that cannot be read or that is
// too large to be judged whole is bad.
func (j *Judge) Of(rule string, d Document) Judgement {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q %q %q %q %q ", rule, d.Account, d.Partition, d.Region, d.Service, d.Holder)
	h.Write(d.Text)
	key := [sha256.Size]byte(h.Sum(nil))
	if answer, ok := j.known[key]; ok {
		return answer
	}
	answer := of(rule, d)
	if j.known == nil || len(j.known) >= maxKnown {
		j.known = map[[sha256.Size]byte]Judgement{}
	}
	j.known[key] = answer
	return answer
}

func of(rule string, d Document) Judgement {
	if rule == OpenAdminPort {
		return openAdminPort(d.Text)
	}
	answer, err := judge(rule, d)
	if err != nil {
		return Judgement{true, cut("the policy document could not be judged and is taken as bad: " + err.Error())}
	}
	return answer
}

func judge(rule string, d Document) (Judgement, error) {
	doc, err := read(d.Text)
	if err != nil {
		return Judgement{}, err
	}
	p := newProbe(d, doc)
	answer, err := rules[rule](p)
	if err == nil && !answer.Bad && (p.left < 0 || p.partial) {
		err = fmt.Errorf("it asks for more work than any policy that AWS would take (%d statements)", len(doc.Statements))
	}
	return answer, err
}

// read parses a document. What AWS would refuse is not judged in part: the part that
// was read might be the harmless one.
func read(text []byte) (*policy.Document, error) {
	if text = bytes.TrimSpace(text); bytes.HasPrefix(text, []byte("%")) {
		// RFC 3986: a plus sign is itself.
		if plain, err := url.PathUnescape(string(text)); err == nil {
			text = []byte(plain)
		}
	}
	switch {
	case len(text) == 0:
		return nil, errors.New("it is empty")
	case len(text) > maxDocument:
		return nil, fmt.Errorf("it has %d bytes, more than any policy", len(text))
	}
	return policy.Parse(text)
}

// longestFinding bounds what of a document a finding quotes, in bytes.
const longestFinding = 400

func cut(s string) string {
	if len(s) <= longestFinding {
		return s
	}
	return strings.ToValidUTF8(s[:longestFinding], "") + "…"
}
