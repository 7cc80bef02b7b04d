// Package technique holds the content files of privilege escalation: a YAML file goes
// in, a Technique comes out, which says what somebody needs to use it and what it
// gains, with cases that show when it works and when not. What the words of a file mean
// is in this package; what they come to in an account is found by package escalate.
package technique

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/goccy/go-yaml/ast"

	"github.com/rootkeep/rootkeep/iam/metadata"
	"github.com/rootkeep/rootkeep/internal/rule"
	"github.com/rootkeep/rootkeep/sigma/yamldoc"
)

// Technique is one content file: what somebody needs to use it and what it gains.
type Technique struct {
	File  string `yaml:"-" json:"file"`
	ID    string `yaml:"id" json:"id"`
	Kind  string `yaml:"kind" json:"-"` // "escalation"
	Title string `yaml:"title" json:"title"`
	Why   string `yaml:"why" json:"why"`
	Fix   string `yaml:"fix" json:"fix"`
	// Refs names the technique in other catalogues: pathfinding.cloud's ID, the
	// number in Rhino Security Labs' list.
	Refs Refs `yaml:"refs" json:"refs"`
	// Actor limits who can use it: ActorUser, ActorRole, ActorOutside; "" is any
	// principal of the account.
	Actor  Actor  `yaml:"actor" json:"actor,omitempty"`
	Target Target `yaml:"target" json:"target"`
	// Entry is the stranger that ActorOutside is; the target is a role that lets it in.
	Entry Entry `yaml:"entry" json:"entry,omitempty"`
	// Service is the service principal that the target's trust policy must name.
	Service     string       `yaml:"service" json:"service,omitempty"`
	Permissions []Permission `yaml:"permissions" json:"permissions,omitempty"`
	// Assume is how the actor's session of the target is judged; "" if there is none.
	Assume Assume `yaml:"assume" json:"assume,omitempty"`
	// Does completes the sentence "ACTOR ..." of a printed step.
	Does   string `yaml:"does" json:"does"`
	Effect Effect `yaml:"effect" json:"effect"`
	// Assumes is what must be so and no dump tells; "" for nothing.
	Assumes string `yaml:"assumes" json:"assumes,omitempty"`
	Cases   []Case `yaml:"cases" json:"-"`
}

// Refs are names in other catalogues.
type Refs struct {
	Pathfinding []string `yaml:"pathfinding" json:"pathfinding,omitempty"` // IDs of pathfinding.cloud
	Rhino       []int    `yaml:"rhino" json:"rhino,omitempty"`             // numbers in RhinoSecurityLabs/AWS-IAM-Privilege-Escalation
}

// Permission is one thing that the actor must be allowed to do.
type Permission struct {
	Action string `yaml:"action" json:"action,omitempty"`
	// On is what it is done to: a name ($target, $actor, $policy, $group, $provider),
	// resource types of the action in the table of actions, an ARN in which * stands
	// for a choice of the actor, or "*". Empty means the types that the action
	// requires, "*" if it has none. The same type in several permissions of a service
	// is the same resource.
	On texts `yaml:"on" json:"on,omitempty"`
	// Context holds the context keys that the call brings; "" says that one is absent.
	Context map[string]string `yaml:"context" json:"context,omitempty"`
	// Any lists alternatives instead: one of them is enough.
	Any []Permission `yaml:"any" json:"any,omitempty"`
}

// texts is one text or a list of them.
type texts []string

// UnmarshalYAML reads either form.
func (t *texts) UnmarshalYAML(decode func(any) error) error {
	var one string
	if decode(&one) == nil {
		*t = texts{one}
		return nil
	}
	return decode((*[]string)(t))
}

// Actor is who can use a technique.
type Actor string

// Actors.
const (
	AnyActor     Actor = ""
	ActorUser    Actor = "user"
	ActorRole    Actor = "role"
	ActorOutside Actor = "outside" // nobody of the account: the trust policy decides
)

// Entry is a kind of stranger that a trust policy lets in.
type Entry string

// Entries. An identity provider that vouches for anybody who has an account with it,
// with no condition on whom, is EntryAnyone too.
const (
	EntryAnyone  Entry = "anyone"
	EntryAccount Entry = "account" // another AWS account, or a principal of one
	EntryOIDC    Entry = "oidc"    // identities of an OpenID Connect provider
	EntrySAML    Entry = "saml"    // identities of a SAML provider
)

// Target is what a technique is used on.
type Target string

// Targets. $target is the ARN of what the name says; where a managed policy is
// meant, $policy is its ARN too.
const (
	TargetSelf         Target = "self"
	TargetOwnGroup     Target = "own-group"       // a group that the actor is in
	TargetOtherGroup   Target = "other-group"     // a group that the actor is not in
	TargetOwnPolicy    Target = "own-policy"      // a customer managed policy that the actor has, of a group too
	TargetOwnVersion   Target = "own-version"     // the same, and a version of it that is not the default
	TargetOwnDeny      Target = "own-deny"        // a managed policy attached to the actor that denies
	TargetInlineDeny   Target = "own-inline-deny" // an inline policy of the actor that denies
	TargetGroupDeny    Target = "own-group-deny"  // a group of the actor of which a policy denies
	TargetOwnBoundary  Target = "own-boundary"    // the actor, which has a permissions boundary; $policy is that boundary
	TargetGuardrails   Target = "guardrails"      // the SCPs around the actor
	TargetUser         Target = "user"            // another user
	TargetRole         Target = "role"            // another role
	TargetUserPolicy   Target = "user-policy"     // another user, and a customer managed policy of it
	TargetRolePolicy   Target = "role-policy"     // another role, and a customer managed policy of it
	TargetUserGroup    Target = "user-group"      // another user, and a group that it is not in
	TargetServiceRole  Target = "service-role"    // a role that trusts the technique's service
	TargetInstanceRole Target = "instance-role"   // the same, in an instance profile
	TargetSAMLRole     Target = "saml-role"       // a role that trusts a SAML provider, which is $provider
	TargetOIDCRole     Target = "oidc-role"       // a role that trusts an OIDC provider, which is $provider
	TargetAccount      Target = "account"         // nothing that the dump knows
)

// Assume is how a session of the target is judged.
type Assume string

// Ways to assume the target.
const (
	NoSession Assume = ""
	AsTrusted Assume = "as-trusted" // by the trust policy as it is
	Rewritten Assume = "rewritten"  // by one that the actor has written: it names whom the actor likes
)

// Effect is what a technique gains.
type Effect string

// Effects. They happen to the actor, or to the user or role that is the target.
const (
	Administrator Effect = "administrator" // at once, whatever limits the actor
	Become        Effect = "become"        // the actor goes on as the target
	Grant         Effect = "grant"         // its policies allow everything from then on
	Join          Effect = "join"          // it has the policies of the group as well
	Replace       Effect = "replace"       // $policy allows everything from then on, and denies nothing
	Activate      Effect = "activate"      // the other version of $policy is the default
	Drop          Effect = "drop"          // the policy that denies no longer applies
	Unbind        Effect = "unbind"        // it has no permissions boundary
	Unguard       Effect = "unguard"       // no SCP limits it
	Retag         Effect = "retag"         // it has the tags that the actor likes
	Lead          Effect = "lead"          // nothing that this graph holds: told beside the paths
)

// maxChoices bounds the combinations of alternatives of one technique.
const maxChoices = 64

// maxFile bounds one technique file, bytes.
const maxFile = 256 << 10

// Source is one tree of technique files.
type Source struct {
	FS   fs.FS
	Dir  string // folder inside FS
	Name string // shown before file names; "" for the shipped files
	// Tested says that the cases of the files have been run: they are not read again.
	Tested bool
}

// Load reads every .yaml and .yml file of the sources. The error joins what is wrong
// with any of them, each with file and line: a technique that is left out could be
// taken for a path that does not exist.
func Load(sources ...Source) ([]*Technique, error) {
	var out []*Technique
	var problems []error
	files := map[string]string{} // by ID
	for _, src := range sources {
		names, err := src.files()
		if err != nil {
			problems = append(problems, err)
		}
		for _, r := range readAll(src, names) {
			switch t := r.technique; {
			case r.err != nil:
				problems = append(problems, r.err)
			case files[t.ID] != "":
				problems = append(problems, &rule.Error{File: t.File, Line: 1, Column: 1, Msg: fmt.Sprintf("id %s is already used by %s", t.ID, files[t.ID])})
			default:
				files[t.ID] = t.File
				out = append(out, t)
			}
		}
	}
	slices.SortFunc(out, func(a, b *Technique) int { return strings.Compare(a.ID, b.ID) })
	return out, errors.Join(problems...)
}

// files lists those that are techniques by their names.
func (src *Source) files() ([]string, error) {
	var out []string
	err := fs.WalkDir(src.FS, src.Dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("read techniques from %s: %w", path.Join(src.Name, name), err)
		}
		if ext := strings.ToLower(path.Ext(name)); !d.IsDir() && (ext == ".yaml" || ext == ".yml") {
			out = append(out, name)
		}
		return nil
	})
	return out, err
}

// found is what a file came to.
type found struct {
	technique *Technique
	err       error
}

// readAll reads the files, in their order, on all processors.
func readAll(src Source, names []string) []found {
	out := make([]found, len(names))
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(names)) {
		workers.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(names); i = int(next.Add(1)) - 1 {
				out[i].technique, out[i].err = read(src, names[i])
			}
		})
	}
	workers.Wait()
	return out
}

func read(src Source, name string) (*Technique, error) {
	shown := path.Join(src.Name, name)
	info, err := fs.Stat(src.FS, name)
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("no regular file")
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", shown, err)
	}
	f, err := src.FS.Open(name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", shown, err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = fmt.Errorf("more than %d bytes, the most that a technique has", maxFile)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", shown, err)
	}
	if src.Tested {
		return parse(shown, rule.WithoutCases(text), (*Technique).check)
	}
	return Parse(shown, text)
}

// Parse reads one technique file and checks it. The error names file and line.
func Parse(file string, text []byte) (*Technique, error) {
	return parse(file, text, func(t *Technique) error {
		if err := t.check(); err != nil {
			return err
		}
		return t.checkCases()
	})
}

func parse(file string, text []byte, check func(*Technique) error) (*Technique, error) {
	var out []*Technique
	var problem error
	err := yamldoc.Read(file, text, func(r *yamldoc.Reader, body ast.Node) {
		t := &Technique{File: file}
		if err := rule.Decode(file, body, t); err != nil {
			problem = errors.Join(problem, err)
		} else if err := check(t); err != nil {
			r.Fail(body, "%v", err)
		}
		out = append(out, t)
	})
	if err = errors.Join(problem, err); err != nil {
		return nil, err
	}
	if len(out) != 1 {
		return nil, &rule.Error{File: file, Line: 1, Column: 1, Msg: fmt.Sprintf("%d documents, want one", len(out))}
	}
	return out[0], nil
}

var idForm = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// check says what is wrong with a technique that decoded, but for its cases.
func (t *Technique) check() error {
	switch {
	case !idForm.MatchString(t.ID):
		return fmt.Errorf("id %q: want lower-case words joined by hyphens", t.ID)
	case t.Kind != "escalation":
		return fmt.Errorf("kind %q: want escalation", t.Kind)
	case t.Title == "" || t.Why == "" || t.Fix == "" || t.Does == "":
		return errors.New("want title, why, fix and does")
	case !slices.Contains([]Actor{AnyActor, ActorUser, ActorRole, ActorOutside}, t.Actor):
		return fmt.Errorf("actor %q: want user, role or outside", t.Actor)
	case targets[t.Target] == 0:
		return fmt.Errorf("target %q: want one of %s", t.Target, join(Targets()))
	case t.Assume != NoSession && t.Assume != AsTrusted && t.Assume != Rewritten:
		return fmt.Errorf("assume %q: want as-trusted or rewritten", t.Assume)
	case (t.Service != "") != (t.Target == TargetServiceRole || t.Target == TargetInstanceRole):
		return fmt.Errorf("service belongs to the targets %s and %s", TargetServiceRole, TargetInstanceRole)
	case (t.Actor == ActorOutside) != (t.Entry != ""):
		return errors.New("entry belongs to the actor outside")
	case t.Entry != "" && (t.Target != TargetRole || len(t.Permissions) > 0 || t.Assume != NoSession || t.Effect != Become):
		return errors.New("the actor outside needs target role, effect become, and nothing more: the trust policy decides")
	case t.Entry != "" && !slices.Contains([]Entry{EntryAnyone, EntryAccount, EntryOIDC, EntrySAML}, t.Entry):
		return fmt.Errorf("entry %q: want anyone, account, oidc or saml", t.Entry)
	case t.Actor != ActorOutside && len(t.Permissions) == 0 && t.Assume == NoSession:
		return errors.New("want permissions, or assume")
	}
	need, known := effects[t.Effect]
	switch {
	case !known:
		return fmt.Errorf("effect %q: want one of %s", t.Effect, join(EffectNames()))
	case targets[t.Target]&need == 0:
		return fmt.Errorf("effect %s does not go with target %s", t.Effect, t.Target)
	case t.Assume != NoSession && t.Effect != Become:
		return errors.New("assume goes with the effect become")
	}
	for i := range t.Permissions {
		if err := t.Permissions[i].check(t.Target, true); err != nil {
			return fmt.Errorf("permission %d: %w", i+1, err)
		}
	}
	ways := 1
	for _, p := range t.Permissions {
		if ways *= max(1, len(p.Any)); ways > maxChoices {
			return fmt.Errorf("more than %d combinations of alternatives; hint: one file for each way", maxChoices)
		}
	}
	return nil
}

func (p *Permission) check(at Target, top bool) error {
	if len(p.Any) > 0 {
		if !top || p.Action != "" || len(p.On) > 0 {
			return errors.New("any stands alone and holds permissions")
		}
		for i := range p.Any {
			if err := p.Any[i].check(at, false); err != nil {
				return err
			}
		}
		return nil
	}
	service, name, ok := strings.Cut(p.Action, ":")
	if !ok || strings.ContainsAny(p.Action, "*? ") {
		return fmt.Errorf("action %q: want one action, service:Name", p.Action)
	}
	for key, value := range p.Context {
		if err := at.has(value); err != nil {
			return err
		}
		if prefix, rest, ok := strings.Cut(key, ":"); !ok || prefix == "" || rest == "" || strings.HasSuffix(rest, ":") {
			return fmt.Errorf("context key %q: want service:Name; hint: put the key in quotes", key)
		}
	}
	action, known := metadata.FindAction(service, name)
	for _, on := range p.On {
		switch {
		case on == "*" || strings.HasPrefix(on, "arn:"):
		case strings.HasPrefix(on, "$"):
			if !slices.Contains(Names, on) {
				return fmt.Errorf("on %q: want one of %s", on, strings.Join(Names, ", "))
			}
			if err := at.has(on); err != nil {
				return err
			}
		case !known:
			return fmt.Errorf("on %q: %s is not in the table of actions; hint: write the ARN", on, p.Action)
		case typeARN(action, on) == "":
			return fmt.Errorf("on %q: not a resource type of %s", on, p.Action)
		}
	}
	if len(p.On) == 0 && !known {
		return fmt.Errorf("%s is not in the table of actions; hint: say on", p.Action)
	}
	return nil
}

// Names are what a technique may refer to.
var Names = []string{"$actor", "$target", "$policy", "$group", "$provider"}

func join[T ~string](list []T) string {
	var out []string
	for _, v := range list {
		out = append(out, string(v))
	}
	return strings.Join(out, ", ")
}
