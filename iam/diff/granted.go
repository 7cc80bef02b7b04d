package diff

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/rootkeep/rootkeep/iam"
)

// Granted says whether policies allow any of some actions, which may hold wildcards, on
// a resource (a pattern; empty for any). The answer No is proven. It is the check that
// AWS calls CheckAccessNotGranted.
func Granted(s Side, actions []string, resource string) (Access, error) {
	if s.Kind == RCP {
		return Access{}, errors.New("resource control policies grant nothing")
	}
	for _, a := range actions {
		if service, name, ok := strings.Cut(a, ":"); a != "*" && (!ok || service == "" || name == "") {
			return Access{}, fmt.Errorf("action %q: want service:Name", a)
		}
	}
	principal := ""
	if s.Kind.named() {
		principal = `"Principal":"*",`
	}
	list, err := json.Marshal(actions)
	if err != nil {
		return Access{}, err
	}
	// Everything else is denied, so that what is left is what was asked for.
	rest := []string{fmt.Sprintf(`{"Effect":"Deny",%s"NotAction":%s,"Resource":"*"}`, principal, list)}
	if resource != "" {
		rest = append(rest, fmt.Sprintf(`{"Effect":"Deny",%s"Action":"*","NotResource":%q}`, principal, resource))
	}
	none, err := parseStatements(fmt.Sprintf(`{"Effect":"Deny",%s"Action":"*","Resource":"*"}`, principal))
	if err != nil {
		return Access{}, err
	}
	limit, err := parseStatements(rest...)
	if err != nil {
		return Access{}, err
	}
	with := s
	with.Policies = append([]*iam.Policy{limit}, s.Policies...)
	s.Policies = []*iam.Policy{none}
	c, err := newComparison(s, with)
	if err != nil {
		return Access{}, err
	}
	classes, err := c.classes()
	if err != nil {
		return Access{}, err
	}
	return c.direction(classes, c.old, c.new), nil
}

func parseStatements(statements ...string) (*iam.Policy, error) {
	return iam.Parse("asked for", []byte(`{"Version":"2012-10-17","Statement":[`+strings.Join(statements, ",")+`]}`))
}
