package targets_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/seed-604f7181/package-storage/dev/codehost"
)

// codeHost is a script's code host, and where its API is.
type codeHost struct {
	server *codehost.Server
	api    string
}

// hostedAs is the repository that a script's storage is.
const hostedAs = "acme/storage"

// startCodeHost serves the pull requests of a bare storage, until the script ends.
func startCodeHost(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: codehost <variable> <storage>")
	}
	server, err := codehost.New(codehost.Config{
		Repository: hostedAs, Dir: ts.MkAbs(args[1]),
		Tokens: map[string]codehost.Access{"good": codehost.Write, "reader": codehost.Read},
	})
	ts.Check(err)
	listening := httptest.NewServer(server)
	ts.Defer(listening.Close)
	*ts.Value(codeHost{}).(*codeHost) = codeHost{server, listening.URL}
	ts.Setenv(args[0], listening.URL)
}

// ask asks a script's code host as somebody who may do all.
func (h *codeHost) ask(ts *testscript.TestScript, method, path string, body, answer any) {
	if h.server == nil {
		ts.Fatalf("there is no code host: start one with codehost <variable> <storage>")
	}
	content, err := json.Marshal(body)
	ts.Check(err)
	request, err := http.NewRequest(method, h.api+"/repos/"+hostedAs+"/pulls"+path, bytes.NewReader(content))
	ts.Check(err)
	request.Header.Set("Authorization", "Bearer good")
	request.Header.Set("User-Agent", "a person")
	response, err := http.DefaultClient.Do(request)
	ts.Check(err)
	defer response.Body.Close()
	said, err := io.ReadAll(response.Body)
	ts.Check(err)
	if response.StatusCode != http.StatusOK {
		ts.Fatalf("%s: %s", response.Status, said)
	}
	ts.Check(json.Unmarshal(said, answer))
}

// showPulls prints a line for each pull request, or the text of one.
func showPulls(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 1 {
		ts.Fatalf("usage: pulls [<number>]")
	}
	host := ts.Value(codeHost{}).(*codeHost)
	type pull struct {
		Number             int
		State, Title, Body string
		MergedAt           *string `json:"merged_at"`
		Head, Base         struct{ Ref string }
	}
	if len(args) == 1 {
		var one pull
		host.ask(ts, http.MethodGet, "/"+args[0], nil, &one)
		fmt.Fprintf(ts.Stdout(), "%s\n\n%s", one.Title, one.Body)
		return
	}
	var all []pull
	host.ask(ts, http.MethodGet, "?state=all&direction=asc&sort=created", nil, &all)
	if len(all) == 0 {
		fmt.Fprintln(ts.Stdout(), "none")
	}
	for _, p := range all {
		if p.MergedAt != nil {
			p.State = "merged"
		}
		fmt.Fprintf(ts.Stdout(), "#%d %s %s -> %s: %s\n", p.Number, p.State, p.Head.Ref, p.Base.Ref, p.Title)
	}
}

// mergePull does what a person does with the button.
func mergePull(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: merge merge|squash|rebase <number>")
	}
	var merged struct{ Merged bool }
	ts.Value(codeHost{}).(*codeHost).ask(ts, http.MethodPut, "/"+args[1]+"/merge", map[string]string{"merge_method": args[0]}, &merged)
	if !merged.Merged {
		ts.Fatalf("pull request %s is not merged", args[1])
	}
}

// closePull closes a pull request without a merge.
func closePull(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: closepull <number>")
	}
	var closed struct{ State string }
	ts.Value(codeHost{}).(*codeHost).ask(ts, http.MethodPatch, "/"+args[0], map[string]string{"state": "closed"}, &closed)
	if closed.State != "closed" {
		ts.Fatalf("pull request %s is %s", args[0], closed.State)
	}
}
