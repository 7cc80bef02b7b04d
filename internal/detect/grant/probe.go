package grant

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strings"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/policy"
)

// probe asks one document concrete questions. Users, roles, accounts and resources
// that nobody has thought of bear a name made of the document's digest: no author
// can name them in the document itself.
type probe struct {
	Document
	doc      *policy.Document
	name     string             // 12 hexadecimal digits
	stranger rootkeep.AccountID // an account that is not the document's own
	address  netip.Addr         // a public IPv4 address
	cost     int                // of one question, at worst
	left     int                // what questions may still cost; negative: there were too many
	partial  bool               // not all that should be asked was
}

// allowance bounds the work on one document, in statements: at worst a question looks
// at all of them, and at all of their text, of which 64 bytes count as one. A policy of
// AWS's sizes needs a tenth of it.
const allowance = 4 << 20

func newProbe(d Document, doc *policy.Document) *probe {
	if d.Partition == "" {
		d.Partition = "aws"
	}
	if d.Region == "" {
		d.Region = "us-east-1"
	}
	if _, err := rootkeep.ParseAccountID(string(d.Account)); err != nil {
		d.Account = "000000000000" // not known: every account is another
	}
	sum := sha256.Sum256(d.Text)
	number := binary.BigEndian.Uint64(sum[8:]) % 1e12
	p := &probe{Document: d, doc: doc, name: hex.EncodeToString(sum[:6]), cost: 1 + len(doc.Statements) + len(d.Text)/64, left: allowance}
	for p.stranger = ""; p.stranger == "" || p.stranger == d.Account; number = (number + 1) % 1e12 {
		p.stranger = rootkeep.AccountID(fmt.Sprintf("%012d", number))
	}
	// 12.0.0.0/6 is public throughout.
	p.address = netip.AddrFrom4([4]byte{12 + sum[16]%4, sum[17], sum[18], sum[19]})
	return p
}

// ask decides one question; a refusal once the allowance is used up.
func (p *probe) ask(set *iam.Set, r *iam.Request) iam.Decision {
	if p.left -= p.cost; p.left < 0 {
		return iam.Decision{}
	}
	return set.Decide(r)
}

// fill puts values into an ARN template such as arn:${Partition}:ec2:${Region}:...:
// those of the document's account, and name for everything else.
func (p *probe) fill(template, name string) string {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(template, "${")
		key, after, closed := strings.Cut(rest, "}")
		if b.WriteString(before); !ok || !closed {
			return b.String()
		}
		switch key {
		case "Partition":
			b.WriteString(p.Partition)
		case "Region":
			b.WriteString(string(p.Region))
		case "Account":
			b.WriteString(string(p.Account))
		default:
			b.WriteString(name)
		}
		template = after
	}
}

// hit is a question that the document allows.
type hit struct {
	set      *iam.Set
	request  iam.Request
	decision iam.Decision
	what     string // what is allowed, for the finding
	who      string // the outsider to whom
}

func granted(d iam.Decision) bool { return d.Outcome == iam.Allowed || d.Outcome == iam.Conditional }

// say writes a finding: the statement, what it allows, and under which condition.
func (p *probe) say(h hit) string {
	s := "the policy"
	if h.decision.Statement.Policy != nil {
		s = fmt.Sprintf("statement %d", h.decision.Statement.Index)
		if sid := h.decision.Statement.Sid(); sid != "" {
			s += " (" + sid + ")"
		}
	}
	s += " allows " + h.what
	if h.decision.Outcome == iam.Conditional {
		s += ", only if " + h.set.Residual(&h.request).String()
	}
	return cut(s)
}

// conditionValues calls do for every value that a condition of the document compares
// a key (in lower case) with.
func (p *probe) conditionValues(key string, do func(value string)) {
	for i := range p.doc.Statements {
		if p.doc.Statements[i].Condition == nil {
			continue
		}
		for _, block := range p.doc.Statements[i].Condition.Blocks {
			for _, k := range block.Keys {
				if !strings.EqualFold(k.Key.Value, key) {
					continue
				}
				for _, v := range k.Values.Values() {
					do(v)
				}
			}
		}
	}
}
