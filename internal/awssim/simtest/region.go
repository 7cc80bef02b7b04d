package simtest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
)

// In has AWS name only some of the enabled Regions of each account, for tests in which
// what is the same in eighteen Regions need not be asked in each. No Regions are all.
func In(regions ...string) func(http.Handler) http.Handler {
	if len(regions) == 0 {
		return nil
	}
	return func(all http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/listRegions" {
				all.ServeHTTP(w, r)
				return
			}
			answer := httptest.NewRecorder()
			all.ServeHTTP(answer, r)
			body := named(answer.Body.Bytes(), regions)
			for name, values := range answer.Header() {
				w.Header()[name] = values
			}
			w.Header().Set("Content-Length", strconv.Itoa(len(body)))
			w.WriteHeader(answer.Code)
			w.Write(body)
		})
	}
}

// named leaves only some Regions in an answer; a refusal stays as it is.
func named(body []byte, regions []string) []byte {
	var list struct {
		NextToken *string `json:",omitempty"`
		Regions   []struct{ RegionName, RegionOptStatus string }
	}
	if err := json.NewDecoder(bytes.NewReader(body)).Decode(&list); err != nil || list.Regions == nil {
		return body
	}
	list.Regions = slices.DeleteFunc(list.Regions, func(r struct{ RegionName, RegionOptStatus string }) bool {
		return !slices.Contains(regions, r.RegionName)
	})
	out, err := json.Marshal(list)
	if err != nil {
		return body
	}
	return out
}
