package web

import (
	"encoding/base64"
	"net/http"
)

const mostFlash = 1000 // bytes of a message that a cookie carries

// flashName is the cookie of a message that the next page shows. Under https no other
// host of the domain can set it.
func flashName(v *visit) string {
	if v.server.config.URL.Scheme == "https" {
		return "__Host-flash"
	}
	return "flash"
}

func setFlash(w http.ResponseWriter, r *http.Request, message string) {
	v := visitOf(r.Context())
	if len(message) > mostFlash {
		message = message[:mostFlash]
	}
	http.SetCookie(w, v.cookie(base64.RawURLEncoding.EncodeToString([]byte(message)), 60))
}

// takeFlash gives the message and withdraws its cookie.
func takeFlash(w http.ResponseWriter, r *http.Request) string {
	v := visitOf(r.Context())
	c, err := r.Cookie(flashName(v))
	if err != nil {
		return ""
	}
	http.SetCookie(w, v.cookie("", -1))
	text, err := base64.RawURLEncoding.DecodeString(c.Value)
	if err != nil || len(text) > mostFlash {
		return ""
	}
	return string(text)
}

// cookie is that of the message. Strict, because only a redirect of ours sets it.
func (v *visit) cookie(value string, age int) *http.Cookie {
	return &http.Cookie{
		Name: flashName(v), Value: value, Path: "/", MaxAge: age, HttpOnly: true,
		Secure: v.server.config.URL.Scheme == "https", SameSite: http.SameSiteStrictMode,
	}
}
