//! A project of mix without dependencies: its release serves, with the Erlang that it brings along.

use windlass_bed::images;
use windlass_tests::{TestEnv, bed};

/// The Erlang runtime reserves more than a small app is given.
const RESOURCES: &str = "[resources]\ncpu = \"50m\"\nmemory = \"256Mi\"\n";

const MIX: &str = "defmodule Shop.MixProject do
  use Mix.Project

  def project do
    [
      app: :shop,
      version: \"0.1.0\",
      elixir: \"~> 1.14\"
    ]
  end

  def application do
    [extra_applications: [:logger], mod: {Shop.Application, []}]
  end
end
";

const APPLICATION: &str = "defmodule Shop.Application do
  use Application

  def start(_type, _args) do
    children = [{Task, &Shop.serve/0}]
    Supervisor.start_link(children, strategy: :one_for_one)
  end
end
";

const SHOP: &str = "defmodule Shop do
  def word, do: \"one\"

  def serve do
    port = String.to_integer(System.get_env(\"PORT\") || \"8080\")
    {:ok, listener} = :gen_tcp.listen(port, [:binary, active: false, reuseaddr: true])
    accept(listener)
  end

  defp accept(listener) do
    {:ok, socket} = :gen_tcp.accept(listener)
    answer(socket, :gen_tcp.recv(socket, 0))
    :gen_tcp.close(socket)
    accept(listener)
  end

  defp answer(socket, {:ok, _}) do
    page = word()
    head = \"HTTP/1.1 200 OK\\r\\nconnection: close\\r\\ncontent-length: #{byte_size(page)}\"
    :gen_tcp.send(socket, head <> \"\\r\\n\\r\\n\" <> page)
  end

  defp answer(_, _), do: :ok
end
";

const TEST: &str = "defmodule ShopTest do
  use ExUnit.Case

  test \"the page has a word\" do
    refute Shop.word() == \"\"
  end
end
";

#[test]
fn a_release_of_mix_is_built_tested_and_served() {
    images::languages(bed(), &["elixir:1.14-slim"]).unwrap();
    let env = TestEnv::new("t-elixir");
    let repository = env.repository();
    for (path, text) in [
        ("windlass.toml", RESOURCES),
        ("mix.exs", MIX),
        ("lib/shop.ex", SHOP),
        ("lib/shop/application.ex", APPLICATION),
        ("test/test_helper.exs", "ExUnit.start()\n"),
        ("test/shop_test.exs", TEST),
    ] {
        repository.write(path, text).unwrap();
    }
    repository.commit("one").unwrap();
    let ended = env.submit("app", repository.url(), &[]);
    ended.succeeded();
    let tested = env.events(&ended.id).iter().any(|event| event["tested"]["passed"] == 1);
    assert!(tested, "{}", ended.text);
    env.serves("app", "one");
}
