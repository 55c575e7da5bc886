package proxy

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
)

const tokenPath = "/token"

// Auth is what clients must know.
type Auth struct {
	User, Password string
	// Basic asks for both with each request; else they are changed for a token at the proxy's own token server.
	Basic bool
}

// tokens are those that are good.
type tokens struct {
	mu   sync.Mutex
	good map[string]bool
}

func (t *tokens) issue() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.good == nil {
		t.good = map[string]bool{}
	}
	token := rand.Text()
	t.good[token] = true
	return token
}

func (t *tokens) expire() {
	t.mu.Lock()
	defer t.mu.Unlock()
	clear(t.good)
}

func (t *tokens) has(token string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.good[token]
}

// issue answers a request for a token, as Docker's token servers do.
func (p *Proxy) issue(r *http.Request) *http.Response {
	if p.config.Auth == nil || !p.knows(r) {
		refusal := Refusal{Status: http.StatusUnauthorized, Code: "UNAUTHORIZED", Message: "incorrect username or password"}
		return refusal.response(r.Method)
	}
	body, err := json.Marshal(map[string]any{"token": p.tokens.issue(), "expires_in": 300})
	if err != nil {
		body = []byte(err.Error())
	}
	return respond(http.StatusOK, body)
}

// challenge refuses who does not show what Auth demands.
func (p *Proxy) challenge(x Request, r *http.Request) *Refusal {
	refusal := &Refusal{Status: http.StatusUnauthorized, Code: "UNAUTHORIZED", Message: "authentication required"}
	switch {
	case p.config.Auth == nil:
		return nil
	case p.config.Auth.Basic:
		if p.knows(r) {
			return nil
		}
		refusal.Challenge = `Basic realm="proxy"`
	default:
		token, shown := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if p.tokens.has(token) {
			return nil
		}
		refusal.Challenge = fmt.Sprintf(`Bearer realm="http://%s%s",service="proxy"`, p.Addr(), tokenPath)
		if x.Repository != "" {
			refusal.Challenge += fmt.Sprintf(`,scope="repository:%s:pull,push"`, x.Repository)
		}
		if shown {
			refusal.Challenge += `,error="invalid_token"`
		}
	}
	return refusal
}

func (p *Proxy) knows(r *http.Request) bool {
	user, password, ok := r.BasicAuth()
	return ok && user == p.config.Auth.User && password == p.config.Auth.Password
}
