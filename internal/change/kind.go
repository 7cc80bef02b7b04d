package change

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/rootkeep/rootkeep/content"
	"github.com/rootkeep/rootkeep/internal/change/expr"
	"github.com/rootkeep/rootkeep/internal/rule"
)

// Kind is one content file. Its Go form is the file's schema. What is marked CEL is an
// expression over the names that docs/changes.md lists.
type Kind struct {
	ID         string                     `yaml:"id"` // the file's name
	Kind       string                     `yaml:"kind"`
	Title      string                     `yaml:"title"`
	Why        string                     `yaml:"why"`
	Class      string                     `yaml:"class"` // one of Classes: which role applies it, whose approval it needs
	Risk       string                     `yaml:"risk"`  // low, medium, high
	Breaks     string                     `yaml:"breaks"`
	Fixes      []string                   `yaml:"fixes"` // IDs of the controls that it mends
	Source     string                     `yaml:"source"`
	In         string                     `yaml:"in"`    // InManagement, InOwner: where it is planned; "" is the account that fails
	First      []string                   `yaml:"first"` // kinds that make what it needs: proposed with it
	Parameters map[string]Parameter       `yaml:"parameters"`
	Reads      []Read                     `yaml:"reads"`
	Requires   []Require                  `yaml:"requires"`
	Wants      map[string]expr.Expression `yaml:"wants"`    // ID of a read: CEL, what it is to hold afterwards; a map may name only what changes
	Verify     expr.Expression            `yaml:"verify"`   // CEL, what else has to hold afterwards
	Wait       rule.Duration              `yaml:"wait"`     // how long AWS may take to show the change; 0 is a minute
	Resource   expr.Expression            `yaml:"resource"` // CEL, a text or list of texts: what two changes cannot hold at once
	Calls      []Step                     `yaml:"calls"`
	Guide      []expr.Expression          `yaml:"guide"`       // instead of calls: CEL, texts that say what a person does, where AWS lets nobody else
	Needs      []string                   `yaml:"permissions"` // IAM actions: those of its calls, and what AWS asks for besides
	Cases      []Case                     `yaml:"cases"`

	file  string
	ready func() error // compiles its expressions, once
	hash  string
}

// Parameter is what is said when a change is planned.
type Parameter struct {
	About    string   `yaml:"about"`
	Type     string   `yaml:"type"` // text, number, yes-no, texts, duration (24h; whole days as 90d)
	Default  any      `yaml:"default"`
	Required bool     `yaml:"required"`
	OneOf    []string `yaml:"one_of"`
	Pattern  string   `yaml:"pattern"` // RE2 that the whole of a text, or of each text, matches
	Least    *int64   `yaml:"least"`
	Most     *int64   `yaml:"most"`
	// Finding is what of a finding fills it: resource, name, names, holder, type, region,
	// regions. Controls are values by the control of the finding, which come first.
	Finding  string         `yaml:"finding"`
	Controls map[string]any `yaml:"controls"`

	pattern *regexp.Regexp
}

// Place is where a call is made, if not in the target's account and Region by the role.
// Each is CEL.
type Place struct {
	Account expr.Expression `yaml:"account"`
	Region  expr.Expression `yaml:"region"`
	Root    string          `yaml:"root"` // task policy of a root session, a plain word
}

// Read asks for a part of the state before a change, and again afterwards.
type Read struct {
	ID   string          `yaml:"id"`
	Each expr.Expression `yaml:"each"` // CEL, a list: asked for each item, the state is the list of what keep gives
	When expr.Expression `yaml:"when"` // CEL; where it does not hold the state is null
	Call string          `yaml:"call"` // such as iam:GetAccountPasswordPolicy
	At   Place           `yaml:"at"`
	With expr.Expression `yaml:"with"` // CEL, a map of parameters
	None []string        `yaml:"none"` // codes by which AWS says that it is not there: the state is null
	// Denied is CEL, the state where AWS lets the role not see it: what locks everybody out
	// can be planned for without being root. Without it a denied read is an error.
	Denied expr.Expression `yaml:"denied"`
	Keep   expr.Expression `yaml:"keep"` // CEL over answer: what is kept, without what changes by itself
	// Passing: it may change by itself once the change is applied. A plan is refused as
	// drifted if it did before; an undo does not ask for it.
	Passing bool `yaml:"passing"`
	// First is asked before, and prior has what it keeps, by its ID: what was made is
	// mostly found in a list of names.
	First *Read `yaml:"first"`
}

// Require is what has to hold for a change to be planned and applied.
type Require struct {
	That expr.Expression `yaml:"that"` // CEL
	Else expr.Expression `yaml:"else"` // CEL, a text: why not, and what to do
}

// Step is one or more calls of an operation that changes the account.
type Step struct {
	ID   string          `yaml:"id"`
	Each expr.Expression `yaml:"each"` // CEL, a list
	When expr.Expression `yaml:"when"` // CEL
	Call string          `yaml:"call"`
	At   Place           `yaml:"at"`
	With expr.Expression `yaml:"with"` // CEL, a map; answer(ID of an earlier step, path) is what that one was answered
	// Already are codes that say, to a call that may have been made before, that it was.
	Already []string `yaml:"already"`
	// Later are codes that say that AWS does not see yet what an earlier call made.
	Later []string `yaml:"later"`
	// Found says whether a call that may have been made was: nil is asked again.
	Found *Read           `yaml:"found"`
	Undo  []Step          `yaml:"undo"`  // in their order
	Final string          `yaml:"final"` // instead of undo: why it cannot be undone
	About expr.Expression `yaml:"about"` // CEL, a text for people; "" is the call
}

// Case is one test of a kind on the simulator.
type Case struct {
	Name       string         `yaml:"name"`
	World      []Setup        `yaml:"world"` // made before
	Parameters map[string]any `yaml:"parameters"`
	Member     bool           `yaml:"member"` // done to a member account, not the management account
	Want       string         `yaml:"want"`   // applied, refused, nothing, waiting (of a guide: nobody has done it yet)
	Then       []Setup        `yaml:"then"`   // of a guide: what the person does, after the plan
	Says       string         `yaml:"says"`   // part of why it is refused
	Calls      []string       `yaml:"calls"`  // operations that are called, in their order; empty: not compared
}

// Setup is a call that prepares the simulator. In With, and in a case's parameters, a text
// that begins with = is CEL.
type Setup struct {
	ID     string         `yaml:"id"` // for answer(id, path) in later calls and parameters; "" is none
	Call   string         `yaml:"call"`
	With   map[string]any `yaml:"with"`
	Region string         `yaml:"region"` // "" is us-east-1
	Ago    int            `yaml:"days_ago"`
	As     string         `yaml:"as"` // management: made there though the case is about a member; root: by the account's root user; "" is an administrator
}

// Classes of change. One role writes for each, and policies of approval name them.
const (
	Identity     = "identity"     // users, groups, roles, policies, password policy, contacts
	Logging      = "logging"      // trails, their buckets, keys, log groups
	Detection    = "detection"    // alarms, topics, GuardDuty, Security Hub, Config, Access Analyzer
	Protection   = "protection"   // public access blocks, encryption by default
	Organization = "organization" // policies of the organization, root features, delegation
	Root         = "root"         // root credentials of members
)

// Classes lists them.
func Classes() []string {
	return []string{Identity, Logging, Detection, Protection, Organization, Root}
}

// Values of Kind.In.
const (
	InManagement = "management" // whichever account fails
	InOwner      = "owner"      // there too, if what fails in a member belongs to it, as a trail of the organization does
)

// Hash is the SHA-256 of the file, and of the policy templates if it may render one, in
// hexadecimal: a plan holds to it.
func (k *Kind) Hash() string { return k.hash }

// File is the file it was read from.
func (k *Kind) File() string { return k.file }

var (
	kindID = regexp.MustCompile(`^[a-z][a-z0-9-]{2,60}$`)
	partID = regexp.MustCompile(`^[a-z][a-z0-9_]{0,40}$`)
)

// Load reads the *.yaml files of the folders. A file that is no kind is left out and is
// an error in the list, each with file, line and column.
func Load(known Operations, sources ...rule.Source) ([]*Kind, []error) {
	var out []*Kind
	var problems []error
	files := map[string]string{}
	for _, src := range sources {
		names, err := fs.Glob(src.FS, path.Join(src.Dir, "*.yaml"))
		if err != nil {
			problems = append(problems, err)
		}
		for _, name := range names {
			k, err := load(known, src, name)
			if err == nil && files[k.ID] != "" {
				err = fmt.Errorf("%s: change %s is already in %s", k.file, k.ID, files[k.ID])
			}
			if err != nil {
				problems = append(problems, err)
				continue
			}
			files[k.ID] = k.file
			out = append(out, k)
		}
	}
	slices.SortFunc(out, func(a, b *Kind) int { return strings.Compare(a.ID, b.ID) })
	return out, problems
}

func load(known Operations, src rule.Source, name string) (*Kind, error) {
	text, err := rule.ReadFile(src.FS, name)
	if err != nil {
		return nil, err
	}
	shown, body, err := rule.Document(src, name)
	if err != nil {
		return nil, err
	}
	k := &Kind{file: shown}
	if err := rule.Decode(shown, body, k); err != nil {
		return nil, err
	}
	if k.hash, err = k.digest(rule.WithoutCases(text)); err != nil { // cases change nothing of what is done
		return nil, fmt.Errorf("%s: %w", shown, err)
	}
	if want := strings.TrimSuffix(path.Base(name), ".yaml"); k.ID != want {
		return nil, fmt.Errorf("%s: id %q in a file named %s.yaml: want the same", shown, k.ID, want)
	}
	if err := k.check(src.Tested); err != nil {
		return nil, fmt.Errorf("%s: %w", shown, err)
	}
	if err := k.checkCalls(known); err != nil {
		return nil, fmt.Errorf("%s: %w", shown, err)
	}
	k.ready = sync.OnceValue(k.compile)
	if src.Tested { // its tests have compiled it: who only lists kinds does not wait
		return k, nil
	}
	return k, k.ready()
}

// digest is the hash of the kind. Which template is rendered may be a parameter's to say, so
// all of them count for a kind that names the function.
func (k *Kind) digest(text []byte) (string, error) {
	sum := sha256.New()
	sum.Write(text)
	renders := false
	k.expressions(func(_ expr.Scope, es ...*expr.Expression) {
		renders = renders || slices.ContainsFunc(es, func(e *expr.Expression) bool { return e.Renders() })
	})
	if renders {
		templates, err := expr.Templates(content.Files)
		if err != nil {
			return "", err
		}
		sum.Write(templates)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
