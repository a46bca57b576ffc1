package org.postbus.devstack.corpus;

import java.nio.charset.Charset;
import java.util.List;

/** A language, a charset that its mail often uses, and some of its words. */
enum Language {
    ENGLISH(
            "us-ascii",
            "the a of and to in for is on that with report meeting invoice please find attached schedule project"
                    + " budget quarter customer release update review draft agenda minutes contract delivery order"
                    + " tomorrow morning would like ask whether can send numbers team thanks regards server backup"),
    GERMAN(
            "iso-8859-1",
            "der die das und für über mit Rechnung Besprechung Angebot Auftrag Lieferung Grüße schöne bitte"
                    + " prüfen Änderung Übersicht Straße größer möglich während Bestätigung Verfügung heute morgen"),
    FRENCH(
            "windows-1252",
            "le la les et pour avec réunion facture été déjà bientôt où l’équipe révision développement ça"
                    + " août hôtel œuvre « merci » être prévu demain matin décembre adhésion"),
    RUSSIAN(
            "koi8-r",
            "отчёт встреча счёт проект завтра утром пожалуйста договор заказ доставка спасибо вопрос ответ"
                    + " команда срок план сервер письмо новый адрес"),
    JAPANESE("iso-2022-jp", "会議 の 件 お世話になっております 資料 を 添付 します 明日 午前 確認 お願いします 請求書 契約 納品 予定 変更 株式会社 ご連絡 ありがとうございます"),
    CHINESE("gb18030", "会议 报告 项目 明天 上午 请 查收 附件 合同 订单 发票 谢谢 更新 客户 团队 计划 服务器 安排 确认"),
    EMOJI(
            "utf-8",
            "Weekend 🎉 party plans 🚀 launch ✅ done 🍕 lunch? naïve café Ελληνικά συνάντηση τιμολόγιο zażółć gęślą"
                    + " jaźń שלום פגישה photos 📷 see you 👋");

    private final Charset charset;
    private final List<String> words;

    Language(String charset, String words) {
        this.charset = Charset.forName(charset);
        this.words = List.of(words.split(" "));
    }

    Charset charset() {
        return charset;
    }

    List<String> words() {
        return words;
    }
}
