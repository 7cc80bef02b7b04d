package permission

import (
	"runtime"
	"sync"

	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/internal/facts"
)

// Documents are the policies of a snapshot, each text parsed and compiled once. They are
// immutable: Accounts that are asked beside each other share them.
type Documents struct{ byText map[string]parsed }

// parsed is one text under the name of the first that has it.
type parsed struct {
	policy *iam.Policy // nil if there is an error
	err    error
}

// Read parses the policies of users, groups and roles, of what they are attached to and
// whom they trust, on all processors: of a large account that takes as long as judging.
func Read(s *facts.Snapshot) *Documents {
	texts := written(&s.Facts)
	all := make([]parsed, len(texts))
	workers := min(runtime.GOMAXPROCS(0), 1+len(texts)/few)
	var work sync.WaitGroup
	for w := range workers {
		work.Go(func() {
			for i := w; i < len(texts); i += workers {
				all[i].policy, all[i].err = parse(texts[i].Name, texts[i].Text)
			}
		})
	}
	work.Wait()
	out := &Documents{byText: make(map[string]parsed, len(texts))}
	for i := range texts {
		out.byText[texts[i].Text] = all[i]
	}
	return out
}

// few texts are parsed sooner than another goroutine begins.
const few = 32

// written lists the texts of the account's policies, each once.
func written(f *facts.Facts) []facts.Document {
	out := make([]facts.Document, 0, len(f.Policies)+2*len(f.Roles)+len(f.Users)+len(f.Groups))
	seen := make(map[string]bool, cap(out))
	add := func(name, text string) {
		if !seen[text] {
			seen[text] = true
			out = append(out, facts.Document{Name: name, Text: text})
		}
	}
	inline := func(list []facts.Document, of string) {
		for _, d := range list {
			add(d.Name+" of "+of, d.Text)
		}
	}
	for i := range f.Policies {
		p := &f.Policies[i]
		add(p.ARN, p.Document.Text)
		for _, v := range p.Versions {
			add(p.ARN+" "+v.Name, v.Text)
		}
	}
	for i := range f.Groups {
		inline(f.Groups[i].InlinePolicies, "group "+f.Groups[i].Name)
	}
	for i := range f.Users {
		inline(f.Users[i].InlinePolicies, "user "+f.Users[i].Name)
	}
	for i := range f.Roles {
		inline(f.Roles[i].InlinePolicies, "role "+f.Roles[i].Name)
		add(trustName(&f.Roles[i]), f.Roles[i].Trust.Text)
	}
	return out
}
