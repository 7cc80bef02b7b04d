package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"path"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	jsonv2 "github.com/go-json-experiment/json"

	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/people"
)

// API registers the operations of the API. Each becomes a Route like that of a page.
type API struct {
	server *Server
	huma   huma.API
	next   Operation // the one that is being registered

	json, yaml func() ([]byte, error) // the OpenAPI document
}

// Operation is one operation of the API.
type Operation struct {
	ID          string // list-findings
	Method      string
	Path        string // below /api/v1: /findings/{id}
	Summary     string // a line
	Description string // Markdown
	Tag         string // the area
	Need        people.Permission
	Fresh       bool          // needs a key touched within FreshFor: no token can call it
	Body        int64         // most bytes of the body; 0 is 1 MiB
	Raw         bool          // the handler reads the body itself, as RawBody []byte: it is not checked before
	Status      int           // of success; 0 is 200, or 204 without a body
	Secret      bool          // the answer holds what is shown once: see Route
	Time        time.Duration // see Route
	AtOnce      int           // see Route
}

func newAPI(s *Server) *API {
	a := &API{server: s}
	c := huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info:    &huma.Info{Title: "rootkeep", Version: s.config.Version},
			Servers: []*huma.Server{{URL: s.origin + apiPrefix}},
			Components: &huma.Components{
				Schemas:         huma.NewMapRegistry("#/components/schemas/", schemaName),
				SecuritySchemes: map[string]*huma.SecurityScheme{"token": {Type: "http", Scheme: "bearer"}},
			},
		},
		Formats:                      map[string]huma.Format{"application/json": strictJSON, "json": strictJSON},
		DefaultFormat:                "application/json",
		RejectUnknownQueryParameters: true,
		Transformers:                 []huma.Transformer{a.explain},
	}
	a.huma = huma.NewAPI(c, a)
	a.json = sync.OnceValues(func() ([]byte, error) { return json.Marshal(a.huma.OpenAPI()) })
	a.yaml = sync.OnceValues(func() ([]byte, error) { return a.huma.OpenAPI().YAML() })
	return a
}

// strictJSON reads what means one thing only: no name twice, no name in another case, no
// broken UTF-8.
var strictJSON = huma.Format{
	Marshal:   huma.DefaultJSONFormat.Marshal,
	Unmarshal: func(data []byte, v any) error { return jsonv2.Unmarshal(data, v, jsonv2.RejectUnknownMembers(true)) },
}

// schemaName names the schema of a type. Types of package client go by their own name,
// others by that of their package too: two packages may have a Key each.
func schemaName(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if p := path.Base(t.PkgPath()); t.Name() != "" && t.PkgPath() != "" && p != "client" && p != "huma" {
		name = strings.ToUpper(p[:1]) + p[1:] + name
	}
	return name
}

// Register adds an operation. The handler's input and output are huma's: fields tagged
// path, query, header, and Body. Its errors are those of a Handler.
func Register[I, O any](a *API, op Operation, handle func(context.Context, *I) (*O, error)) {
	a.next = op
	security := []map[string][]string{{"token": {}}}
	if op.Need == people.Public {
		security = nil
	}
	most := op.Body
	if most == 0 {
		most = usualBody
	}
	huma.Register(a.huma, huma.Operation{
		OperationID: op.ID, Method: op.Method, Path: op.Path, Summary: op.Summary, Description: op.describe(),
		Tags: []string{op.Tag}, DefaultStatus: op.Status, MaxBodyBytes: most, BodyReadTimeout: max(usualTime, op.Time), SkipValidateBody: op.Raw,
		Security: security, Errors: []int{400, 401, 403, 404, 422, 500},
	}, func(ctx context.Context, in *I) (*O, error) {
		out, err := handle(ctx, in)
		if err != nil {
			return nil, a.refused(ctx, err)
		}
		return out, nil
	})
}

func (o Operation) describe() string {
	text := o.Description
	if text != "" {
		text += "\n\n"
	}
	text += "Needs the permission `" + string(o.Need) + "`"
	if o.Fresh {
		text += " and a touch of the security key within five minutes, so no token can call it"
	}
	return text + "."
}

// Handle is that of huma.Adapter: it makes the operation a route.
func (a *API) Handle(op *huma.Operation, handler func(huma.Context)) {
	s, o := a.server, a.next
	s.routes = append(s.routes, Route{
		Method: op.Method, Path: apiPrefix + op.Path, Need: o.Need, Fresh: o.Fresh, Body: o.Body, Secret: o.Secret, Time: o.Time, AtOnce: o.AtOnce,
		Handle: func(w http.ResponseWriter, r *http.Request) error {
			handler(humago.NewContext(op, r, w))
			return nil
		},
	})
}

// ServeHTTP is that of huma.Adapter.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.server.ServeHTTP(w, r) }

// refused makes a handler's error one that huma writes.
func (a *API) refused(ctx context.Context, err error) error {
	known := a.server.refused(ctx, err)
	p := problem(RequestID(ctx), known)
	out := &huma.ErrorModel{Type: p.Type, Title: p.Title, Status: p.Status, Detail: p.Detail, Instance: p.Instance}
	for _, f := range p.Errors {
		out.Errors = append(out.Errors, &huma.ErrorDetail{Message: f.Message, Location: f.Location, Value: f.Value})
	}
	headers := http.Header{}
	known.headers(headers)
	if len(headers) == 0 {
		return out
	}
	return huma.ErrorWithHeaders(out, headers)
}

// explain gives huma's own errors, those of a request that does not fit the operation,
// the type and the instance that all others have.
func (a *API) explain(ctx huma.Context, _ string, v any) (any, error) {
	m, ok := v.(*huma.ErrorModel)
	if !ok || m.Type != "" {
		return v, nil
	}
	m.Type, m.Instance = problemPath(kindOf(m.Status)), instance(RequestID(ctx.Context()))
	return m, nil
}

func kindOf(status int) string {
	switch status {
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		return "invalid"
	case http.StatusRequestEntityTooLarge:
		return "too-large"
	case http.StatusUnsupportedMediaType, http.StatusNotAcceptable:
		return "media-type"
	case http.StatusRequestTimeout:
		return "too-slow"
	}
	return "internal"
}

func problemPath(kind string) string { return "/problems/" + kind }
func instance(id string) string      { return "/requests/" + id }

func problem(id string, r *Refusal) *client.Problem {
	return &client.Problem{
		Type: problemPath(r.Kind), Title: http.StatusText(r.Status), Status: r.Status, Detail: r.Detail,
		Instance: instance(id), Errors: r.Errors,
	}
}

// headers sets what goes with a refusal.
func (e *Refusal) headers(h http.Header) {
	if e.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="rootkeep"`)
	}
	if e.Retry > 0 {
		h.Set("Retry-After", strconv.Itoa(e.Retry))
	}
}

// document writes the OpenAPI document, which is made when it is first asked for.
func (a *API) document(w http.ResponseWriter, r *http.Request) error {
	kind, made := "application/openapi+json", a.json
	if strings.HasSuffix(r.URL.Path, ".yaml") {
		kind, made = "application/openapi+yaml", a.yaml
	}
	body, err := made()
	if err != nil {
		return fmt.Errorf("write the OpenAPI document: %w", err)
	}
	w.Header().Set("Content-Type", kind)
	_, _ = w.Write(body) // the client may be gone
	return nil
}
