package identity

import (
	"strings"
	"sync"
	"time"

	"github.com/rootkeep/rootkeep/internal/awssim/managed"
)

// ofAWS are the policies of AWS by ARN, each in its first version.
var ofAWS = sync.OnceValue(func() map[string]*Policy {
	out := map[string]*Policy{}
	born := time.Date(2015, 2, 6, 18, 0, 0, 0, time.UTC)
	for _, m := range managed.Policies() {
		plain := strings.NewReplacer("-", "", "_", "").Replace(m.Name)
		p := &Policy{
			Name: m.Name, Path: m.Path, ARN: "arn:aws:iam::aws:policy" + m.Path + m.Name, Created: born, Updated: born, Made: 1,
			ID:       "ANPA" + strings.ToUpper((plain + strings.Repeat("A", 17))[:17]),
			Versions: []Version{{ID: "v1", Document: m.Document, Default: true, Created: born}},
		}
		out[p.ARN] = p
	}
	return out
})

// RootTask finds the ceiling of a task policy of sts:AssumeRoot by its ARN, and whether
// it belongs to the feature RootSessions rather than RootCredentialsManagement.
func RootTask(arn string) (policy Text, sessions, ok bool) {
	p := ofAWS()[arn]
	if p == nil || p.Path != managed.Tasks {
		return Text{}, false, false
	}
	return Text{arn, p.Default().Document}, strings.HasSuffix(p.Name, "Policy"), true
}
