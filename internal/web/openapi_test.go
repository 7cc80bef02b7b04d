package web_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/rootkeep/rootkeep/internal/web/webtest"
)

// TestOpenAPIDocument holds the document to the routes: every operation is there, says
// what it needs, and has its errors as problems.
func TestOpenAPIDocument(t *testing.T) {
	made := 0
	s := webtest.Serve(t, webtest.Store(t), nil, things(&made))
	type operation struct {
		OperationID string           `json:"operationId"`
		Description string           `json:"description"`
		Security    []map[string]any `json:"security"`
		Responses   map[string]struct {
			Content map[string]any `json:"content"`
		} `json:"responses"`
	}
	var doc struct {
		OpenAPI string                          `json:"openapi"`
		Paths   map[string]map[string]operation `json:"paths"`
		Servers []struct{ URL string }          `json:"servers"`
	}
	text := s.Get("", "/api/v1/openapi.json")
	if err := json.Unmarshal([]byte(text.Body), &doc); err != nil {
		t.Fatal(err)
	}
	if doc.OpenAPI != "3.1.0" || len(doc.Servers) != 1 || doc.Servers[0].URL != s.URL.String()+"/api/v1" {
		t.Errorf("got OpenAPI %s of %v", doc.OpenAPI, doc.Servers)
	}
	names := map[string]bool{}
	for _, r := range s.Routes() {
		path, api := strings.CutPrefix(r.Path, "/api/v1")
		if !api || strings.HasPrefix(path, "/openapi.") {
			continue
		}
		o := doc.Paths[path][strings.ToLower(r.Method)]
		if o.OperationID == "" || names[o.OperationID] {
			t.Errorf("%s %s: got the operation %q, want one of its own", r.Method, path, o.OperationID)
		}
		names[o.OperationID] = true
		if !strings.Contains(o.Description, "Needs the permission `"+string(r.Need)+"`") || r.Fresh != strings.Contains(o.Description, "security key") {
			t.Errorf("%s: got %q, want what it needs: %s, fresh key: %v", o.OperationID, o.Description, r.Need, r.Fresh)
		}
		if len(o.Security) == 0 {
			t.Errorf("%s: got no security", o.OperationID)
		}
		for _, status := range []string{"401", "403"} {
			if _, ok := o.Responses[status].Content["application/problem+json"]; !ok {
				t.Errorf("%s: got %v for %s, want a problem", o.OperationID, o.Responses[status], status)
			}
		}
	}
	var again any
	if err := yaml.Unmarshal([]byte(s.Get("", "/api/v1/openapi.yaml").Body), &again); err != nil {
		t.Errorf("the document as YAML does not parse: %v", err)
	}
	if strings.Contains(text.Body, "unpkg") || strings.Contains(text.Body, "cdn.") {
		t.Error("the document names a place on the web that scripts come from")
	}
}
