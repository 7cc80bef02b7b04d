package web

import (
	"bytes"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/web/asset"
	"github.com/rootkeep/rootkeep/internal/web/page"
)

// Show writes a page: the body in the layout of the console, with the menu of what the
// actor may open.
func Show(w http.ResponseWriter, r *http.Request, title string, body templ.Component) error {
	return show(w, r, http.StatusOK, title, body)
}

// ShowStatus is Show with a status other than 200, such as 422 for a form that must be
// filled in again.
func ShowStatus(w http.ResponseWriter, r *http.Request, status int, title string, body templ.Component) error {
	return show(w, r, status, title, body)
}

func show(w http.ResponseWriter, r *http.Request, status int, title string, body templ.Component) error {
	v := visitOf(r.Context())
	frame := page.Frame{
		Title: title, Path: r.URL.Path, Actor: v.actor, Flash: takeFlash(w, r),
		Style: asset.Path("rootkeep.css"), Script: asset.Path("rootkeep.js"), Icon: asset.Path("icon.svg"),
	}
	for _, l := range v.server.nav {
		// A page that either of two permissions opens has an entry for each.
		known := slices.ContainsFunc(frame.Nav, func(k page.Link) bool { return k.Path == l.Path })
		if v.actor.MayAnywhere(l.Need) && !known {
			frame.Nav = append(frame.Nav, l)
		}
	}
	if v.actor.ID != "" {
		for _, a := range v.server.config.Areas {
			if a.Banner == nil {
				continue
			}
			b, err := a.Banner(r.Context(), v.actor)
			if err != nil {
				return err
			}
			if b.Text != "" {
				frame.Banners = append(frame.Banners, b)
			}
		}
	}
	// Rendered before it is sent, so that what fails half-way becomes an error page.
	var out bytes.Buffer
	if err := page.Layout(frame, body).Render(r.Context(), &out); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(out.Len()))
	w.WriteHeader(status)
	_, _ = w.Write(out.Bytes()) // the client may be gone
	return nil
}

// Redirect answers a form that was sent: the browser opens the path, which shows the
// message once. An empty message shows none.
func Redirect(w http.ResponseWriter, r *http.Request, path, message string) error {
	if message != "" {
		setFlash(w, r, message)
	}
	http.Redirect(w, r, LocalPath(path), http.StatusSeeOther)
	return nil
}

// LocalPath gives the path and query if they lead to this server, and / if not: a path
// that a link brought must not lead elsewhere (CWE-601).
func LocalPath(to string) string {
	if !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.ContainsFunc(to, func(r rune) bool {
		return r == '\\' || r < ' ' || r == 0x7f // browsers take \ for /, and drop tabs and line ends
	}) {
		return "/"
	}
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || strings.HasPrefix(u.Path, "//") {
		return "/"
	}
	u.Fragment, u.RawFragment = "", ""
	return u.String()
}

// May says whether the actor of a page may do it anywhere, to show a button or not.
func May(r *http.Request, p people.Permission) bool {
	return visitOf(r.Context()).actor.MayAnywhere(p)
}
