// Package escalate finds how principals of an account could become administrator: an
// account and the techniques of content files go in, a Report comes out that tells who
// is administrator already, who can become it and by which steps, and who cannot.
//
// A principal is a node of a graph, and so is what it turns into on the way (with an
// administrator's policy attached, without its boundary). A technique is an edge if the
// evaluator of package iam allows each of its permissions, on the real target, after
// Deny, boundary and SCPs. Answers stay three-valued: an edge that hangs on what is not
// known says so, and one that hangs on a policy that could not be read is never absent.
//
// A path has one actor at a time: permissions of two principals that both are in the
// hands of one attacker are not joined. Session policies, VPC endpoint policies and
// resource policies other than trust policies take no part.
package escalate

import (
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/account"
	"github.com/rootkeep/rootkeep/iam/escalate/plan"
	"github.com/rootkeep/rootkeep/iam/escalate/technique"
	"github.com/rootkeep/rootkeep/iam/escalate/witness"
)

// Certainty orders answers, the best first; a path is as certain as its least certain
// step.
type Certainty uint8

// Certainties.
const (
	Certain     Certainty = iota
	Conditional           // if a context key has a value that is not known
	Possible              // if something exists that the input does not tell of
	Unknown               // if a policy that could not be read says so
	None                  // there is no path
	certainties = int(None)
)

var certaintyNames = [...]string{"certain", "conditional", "possible", "unknown", "none"}

// String is the name in JSON.
func (c Certainty) String() string { return certaintyNames[min(c, None)] }

// MarshalText writes the name.
func (c Certainty) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// ParseCertainty reads a name.
func ParseCertainty(s string) (Certainty, bool) {
	i := slices.Index(certaintyNames[:], s)
	return Certainty(max(i, 0)), i >= 0
}

// Options are what only the caller knows. The zero value, beside Techniques, searches
// paths of up to 10 steps in an account of which no organization is known.
type Options struct {
	Techniques []*technique.Technique
	Guardrails account.Guardrails
	Context    map[string][]string // of every request; a key without values is absent
	Now        time.Time           // of sessions that begin on the path; zero: not known
	MaxSteps   int                 // longest path; 0 is 10
	Outside    bool                // search from outside the account too
	// Enough is how certain of being administrator a principal must be for no better way
	// to be looked for; the zero value is Certain.
	Enough Certainty
	// Progress, if set, is told after each principal's own changes have been worked
	// out, how many of all are done.
	Progress func(done, all int)
}

// graph is one search.
type graph struct {
	o          Options
	account    *account.Account
	identities []*account.Identity // without service-linked roles
	groups     []*account.Group
	inAccount  map[string]bool // ARNs of identities

	plans      []*plan.Plan
	assumeCall plan.Call
	outside    []*technique.Technique
	actions    plan.Actions
	probes     []plan.Need
	regions    []string
	// mentions holds, in lower case, the condition keys that policies use.
	mentions         map[string]bool
	mentionsResource bool

	all, none, trustsAll *iam.Policy
	delegates            map[accountID]*iam.Policy
	ideal                map[accountID]*iam.Set
	may                  map[string]plan.Bits // by witness.Actions
	mayBy                map[*iam.Policy]plan.Bits
	unread               map[*iam.Set]bool // sets with a policy that could not be read
	trusts               map[*iam.Policy]*trust
	served               map[servedRole]Certainty
	entries              map[*account.Identity][]entry

	states    []*state
	bases     map[*account.Identity]*state
	index     map[*account.Identity]int
	byChange  map[string]*state
	changedOf map[*account.Identity]int
	newcomers map[accountID]*state
	leads     map[*state][]*lead
	everyone  *pools
	forms     map[formKey]string
	free      map[string][]witness.Witness // by the form, without patterns
	scratch   iam.Request                  // of the question that is being asked
	distant   map[int]*pools
	cut       map[string]bool // why the search is not whole
}

// Search finds the best path of every principal. The error is for policies that the
// evaluator cannot take.
func Search(a *account.Account, o Options) (*Report, error) {
	g, err := newGraph(a, o)
	if err != nil {
		return nil, err
	}
	for n, i := range g.identities {
		g.index[i] = n
		s, err := g.base(i)
		if err != nil {
			return nil, err
		}
		g.bases[i] = s
	}
	g.everyone = &pools{g: g, states: slices.Clone(g.states), lists: map[poolKey]*pool{}}
	// The list grows: a changed state has changes of its own.
	for n := 0; n < len(g.states); n++ {
		if err := g.change(g.states[n]); err != nil {
			return nil, err
		}
		if o.Progress != nil {
			o.Progress(n+1, len(g.states))
		}
	}
	for c := Certain; c < None; c++ {
		if err := g.solve(c); err != nil {
			return nil, err
		}
	}
	return g.report()
}

func newGraph(a *account.Account, o Options) (*graph, error) {
	g := &graph{
		o: o, account: a, inAccount: map[string]bool{},
		delegates: map[accountID]*iam.Policy{}, ideal: map[accountID]*iam.Set{}, may: map[string]plan.Bits{}, mayBy: map[*iam.Policy]plan.Bits{}, unread: map[*iam.Set]bool{},
		trusts: map[*iam.Policy]*trust{}, served: map[servedRole]Certainty{}, entries: map[*account.Identity][]entry{},
		bases: map[*account.Identity]*state{}, index: map[*account.Identity]int{}, byChange: map[string]*state{}, changedOf: map[*account.Identity]int{},
		newcomers: map[accountID]*state{}, leads: map[*state][]*lead{}, distant: map[int]*pools{}, forms: map[formKey]string{}, free: map[string][]witness.Witness{}, cut: map[string]bool{},
	}
	if g.o.MaxSteps == 0 {
		g.o.MaxSteps = 10
	}
	fixed, err := constants()
	if err != nil {
		return nil, err
	}
	g.all, g.none, g.trustsAll = fixed[0], fixed[1], fixed[2]
	for _, i := range a.Identities() {
		g.inAccount[i.Principal.ARN] = true
		if !serviceLinked(i) {
			g.identities = append(g.identities, i)
		}
	}
	g.collectGroups()
	g.readConditions()
	var inside []*technique.Technique
	for _, t := range o.Techniques {
		if t.Actor == technique.ActorOutside {
			g.outside = append(g.outside, t)
		} else {
			inside = append(inside, t)
		}
	}
	g.plans = plan.Compile(inside, &g.actions)
	assumeNumber := g.actions.Number(assumeAction)
	g.assumeCall = plan.Call{Action: assumeAction, Number: assumeNumber}
	return g, g.chooseProbes()
}

// serviceLinked says whether only an AWS service can use the role, and nobody can
// change or pass it.
func serviceLinked(i *account.Identity) bool {
	return i.Principal.Kind == iam.Role && strings.HasPrefix(i.Path, "/aws-service-role/")
}

// collectGroups adds the groups that have members but are not in the dump.
func (g *graph) collectGroups() {
	g.groups = slices.Clone(g.account.Groups)
	for _, u := range g.account.Users {
		for _, grp := range u.Groups {
			if !slices.Contains(g.account.Groups, grp) && !slices.Contains(g.groups, grp) {
				g.groups = append(g.groups, grp)
			}
		}
	}
}

// defaultRegion is where what has one endpoint is called, and anything that no policy
// ties to a Region.
const defaultRegion = "us-east-1"

// maxRegions bounds the Regions that are tried beside the default.
const maxRegions = 8

// readConditions notes which context keys the policies use, and the Regions they name.
func (g *graph) readConditions() {
	g.mentions = map[string]bool{}
	g.regions = []string{defaultRegion}
	seen := map[*iam.Policy]bool{}
	read := func(ps []*iam.Policy) {
		for _, p := range ps {
			if !seen[p] {
				seen[p] = true
				g.readPolicy(p)
			}
		}
	}
	for _, level := range slices.Concat(g.o.Guardrails.SCPs, g.o.Guardrails.RCPs) {
		read(level)
	}
	for _, i := range g.identities {
		read(i.Grants())
		if i.Boundary != nil {
			read([]*iam.Policy{i.Boundary.Policy})
		}
		if i.Trust != nil {
			read([]*iam.Policy{i.Trust})
		}
		for _, m := range i.Attached {
			for _, v := range m.Versions {
				read([]*iam.Policy{v.Policy})
			}
		}
	}
	for _, grp := range g.groups {
		read(groupPolicies(grp))
	}
}

func (g *graph) readPolicy(p *iam.Policy) {
	witness.EachCondition(p, func(key string, values []string) {
		g.mentions[key] = true
		if strings.HasPrefix(key, "iam:resourcetag/") || strings.HasPrefix(key, "aws:resourcetag/") || key == "iam:permissionsboundary" {
			g.mentionsResource = true
		}
		if key == "aws:requestedregion" {
			g.addRegions(values)
		}
	})
}

func (g *graph) addRegions(list []string) {
	for _, text := range list {
		if !strings.ContainsAny(text, "*?$") && !slices.Contains(g.regions, text) && len(g.regions) <= maxRegions {
			g.regions = append(g.regions, text)
		}
	}
}
