package codehost_test

import (
	"fmt"
	"net/http"
	"testing"
)

// Each method gives main the same files, and a history of its own.
func TestMerge(t *testing.T) {
	for method, want := range map[string]string{
		"merge":  "Merge pull request #1 from o/b\n\nT b|2|Merger",
		"squash": "T b (#1)\n\nB|1|Merger",
		"rebase": "add b|1|Zoë",
	} {
		t.Run(method, func(t *testing.T) {
			h := serve(t, nil)
			h.commit("b", "main", "a", "2\n")
			head := h.commit("b", "b", "b", "1\n")
			path := h.open("b")
			before := h.commit("main", "main", "c", "1\n")
			a := h.must(http.StatusOK, "PUT", path+"/merge", `{"merge_method":"`+method+`","sha":"`+head+`"}`)
			merged := h.tip("main")
			h.has(a, "merged", true, "sha", merged)
			h.has(h.must(http.StatusOK, "GET", path, ""), "state", "closed", "merged", true, "merge_commit_sha", merged, "head.sha", head)
			if h.tip("b") != head {
				t.Error("the head has moved")
			}
			for file, content := range map[string]string{"a": "2", "b": "1", "c": "1"} {
				if got := h.git("", "show", merged+":"+file); got != content {
					t.Errorf("%s is %q", file, got)
				}
			}
			parents := len(h.git("", "show", "-s", "--format=%P", merged)) / 40
			if got := h.git("", "show", "-s", "--format=%B", merged) + fmt.Sprintf("|%d|%s", parents, h.git("", "show", "-s", "--format=%an", merged)); got != want {
				t.Errorf("%q, want %q", got, want)
			}
			since := map[string]string{"merge": "3", "squash": "1", "rebase": "2"}[method]
			if n := h.git("", "rev-list", "--count", before+".."+merged); n != since {
				t.Errorf("%s commits", n)
			}
			h.must(http.StatusMethodNotAllowed, "PUT", path+"/merge", "") // once is enough
			h.must(http.StatusUnprocessableEntity, "PATCH", path, `{"state":"open"}`)
		})
	}
}

func TestNotMerged(t *testing.T) {
	h := serve(t, nil)
	h.commit("b", "main", "a", "2\n")
	path := h.open("b")
	stale := h.tip("b")
	h.commit("b", "b", "c", "1\n")
	h.must(http.StatusConflict, "PUT", path+"/merge", `{"sha":"`+stale+`"}`)
	h.must(http.StatusUnprocessableEntity, "PUT", path+"/merge", `{"merge_method":"octopus"}`)
	h.commit("main", "main", "a", "3\n")
	h.has(h.must(http.StatusOK, "GET", path, ""), "mergeable", false, "merge_commit_sha", nil)
	before := h.tip("main")
	h.must(http.StatusMethodNotAllowed, "PUT", path+"/merge", "")
	if h.tip("main") != before {
		t.Error("main has moved")
	}
}

// The whole merges, but not one commit after the other.
func TestNotRebased(t *testing.T) {
	h := serve(t, nil)
	h.commit("b", "main", "a", "2\n")
	h.commit("b", "b", "a", "3\n")
	path := h.open("b")
	h.commit("main", "main", "a", "3\n")
	h.must(http.StatusMethodNotAllowed, "PUT", path+"/merge", `{"merge_method":"rebase"}`)
	h.must(http.StatusOK, "PUT", path+"/merge", `{"merge_method":"merge"}`)
}

func TestMergeMessage(t *testing.T) {
	h := serve(t, nil)
	h.commit("b", "main", "b", "1\n")
	h.must(http.StatusOK, "PUT", h.open("b")+"/merge", `{"merge_method":"squash","commit_title":"One","commit_message":"Two"}`)
	if got := h.git("", "show", "-s", "--format=%B", "main"); got != "One\n\nTwo" {
		t.Errorf("%q", got)
	}
}
