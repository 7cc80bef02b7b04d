package simtest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestOnlyNamedRegionsAreListed(t *testing.T) {
	const list = `{"NextToken":"n","Regions":[{"RegionName":"eu-west-1","RegionOptStatus":"ENABLED_BY_DEFAULT"},{"RegionName":"eu-west-3","RegionOptStatus":"ENABLED_BY_DEFAULT"}]}`
	for _, c := range []struct {
		name, path, body, want string
		code                   int
	}{
		{"a list of Regions", "/listRegions", list, `{"NextToken":"n","Regions":[{"RegionName":"eu-west-1","RegionOptStatus":"ENABLED_BY_DEFAULT"}]}`, 200},
		{"a refusal", "/listRegions", `{"message":"no"}`, `{"message":"no"}`, 403},
		{"another call", "/", list, list, 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := In("eu-west-1")(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(c.code)
				io.WriteString(w, c.body)
			}))
			got := httptest.NewRecorder()
			h.ServeHTTP(got, httptest.NewRequest(http.MethodPost, c.path, strings.NewReader("{}")))
			if got.Code != c.code || got.Body.String() != c.want {
				t.Errorf("got %d %s, want %d %s", got.Code, got.Body, c.code, c.want)
			}
		})
	}
	if In() != nil {
		t.Error("no Regions: got a filter, want none")
	}
}
