"use strict";
(function () {
  var store = window.sessionStorage, key = "hapax:" + location.pathname;
  var state = {};
  try { state = JSON.parse(store.getItem(key)) || {}; } catch (e) { state = {}; }
  function save() { try { store.setItem(key, JSON.stringify(state)); } catch (e) { } }
  var each = function (list, then) { Array.prototype.forEach.call(list, then); };
  each(document.querySelectorAll(".script"), function (part) { part.classList.remove("script"); });
  var box = document.getElementById("filter");
  function filter() {
    var wanted = box.value.toLowerCase();
    each(document.querySelectorAll("section.proxy"), function (section) {
      var shown = 0, whole = section.dataset.name.toLowerCase().indexOf(wanted) >= 0;
      each(section.querySelectorAll("tbody tr"), function (row) {
        var fits = whole || row.dataset.name.toLowerCase().indexOf(wanted) >= 0;
        row.hidden = !fits;
        shown += fits ? 1 : 0;
      });
      section.hidden = !whole && shown === 0;
    });
  }
  if (box) {
    box.value = state.filter || "";
    box.addEventListener("input", function () { state.filter = box.value; save(); filter(); });
    if (box.value) { filter(); }
  }
  function value(row, column) {
    var cell = row.querySelector('td[data-key="' + column + '"]');
    var text = cell ? cell.dataset.value || cell.textContent : "";
    var number = parseFloat(text);
    return isNaN(number) ? text : number;
  }
  function sort(section, column, down) {
    var body = section.querySelector("tbody");
    var rows = Array.prototype.filter.call(body.rows, function (row) { return row.classList.contains("server"); });
    rows.sort(function (a, b) {
      var x = value(a, column), y = value(b, column);
      var order = x < y ? -1 : x > y ? 1 : 0;
      return down ? -order : order;
    });
    var last = body.querySelector("tr.backend");
    rows.forEach(function (row) { body.insertBefore(row, last); });
  }
  state.sort = state.sort || {};
  each(document.querySelectorAll("section.proxy"), function (section) {
    var name = section.id, order = state.sort[name];
    if (order) { sort(section, order[0], order[1]); }
    each(section.querySelectorAll("th[data-sort]"), function (head) {
      head.addEventListener("click", function () {
        var before = state.sort[name];
        var down = before && before[0] === head.dataset.sort ? !before[1] : head.dataset.sort !== "svname";
        state.sort[name] = [head.dataset.sort, down];
        save();
        sort(section, head.dataset.sort, down);
      });
    });
  });
  state.open = state.open || {};
  each(document.querySelectorAll("details[id]"), function (part) {
    part.open = !!state.open[part.id];
    part.addEventListener("toggle", function () {
      if (part.open) { state.open[part.id] = 1; } else { delete state.open[part.id]; }
      save();
    });
  });
  each(document.querySelectorAll("input[data-all]"), function (all) {
    all.addEventListener("change", function () {
      each(all.form.querySelectorAll('input[name="s"]'), function (one) { one.checked = all.checked; });
    });
  });
  if (state.y && !location.hash) { window.scrollTo(0, state.y); }
  window.addEventListener("scroll", function () { state.y = window.scrollY; save(); }, { passive: true });
}());
