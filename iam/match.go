package iam

import (
	"github.com/rootkeep/rootkeep/iam/action"
	"github.com/rootkeep/rootkeep/iam/condition"
)

// action says whether the statement's Action or NotAction covers the request.
func (s *statement) action(t *target) bool {
	found := false
	var service, name []byte
	if t.colon >= 0 {
		service, name = t.service(), t.name()
	}
	for i := range s.actions {
		if a := &s.actions[i]; a.All || t.colon >= 0 && a.Match(service, name) {
			found = true
			break
		}
	}
	if s.actionMode != not {
		return found
	}
	// AWS says that a statement with an empty list does nothing; an Allow takes that
	// reading, a Deny the other.
	return !found && (s.denies || len(s.actions) > 0)
}

// cover is the set of the actions that the statement's Action or NotAction covers.
func (s *statement) cover(t *action.Table) action.Mask {
	if s.actionMode == not && len(s.actions) == 0 && !s.denies {
		return nil
	}
	return t.Cover(s.actions, s.actionMode == not)
}

// resource says whether the statement's Resource or NotResource covers the request.
// A statement without either, as in a trust policy, is about the resource that
// carries it.
func (s *statement) resource(t *target) Truth {
	if s.resourceMode == missing {
		return True
	}
	excludes := s.resourceMode == not
	if len(s.resources) == 0 {
		return condition.Is(excludes && s.denies)
	}
	// Where AWS leaves a reading open, an Allow covers less and a Deny more.
	broad := s.denies != excludes
	found := False
	for i := range s.resources {
		m, resolved := s.resources[i].Match(&t.arn, &t.context, broad)
		if excludes && resolved == False && !s.denies && !s.literal {
			m = True // an Allow with an unresolved variable in NotResource covers nothing
		}
		if found = found.Or(m); found == True {
			break
		}
	}
	if excludes {
		return found.Not()
	}
	return found
}

// conditions says whether all tests of the statement hold.
func (s *statement) conditions(c *Context) Truth {
	out := True
	for i := range s.tests {
		if out = out.And(s.tests[i].Eval(c)); out == False {
			break
		}
	}
	return out
}

// scope is the part of a match beside Action and Principal.
func (s *statement) scope(t *target) Truth {
	out := s.resource(t)
	if out == False {
		return False
	}
	return out.And(s.conditions(&t.context))
}
